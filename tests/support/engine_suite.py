"""What every `Engine` must do, and the fake that unit tests of the facade use."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from tradewind_api.engines import Engine, EngineDownError
from tradewind_contracts.workflows import RunStatus, WorkflowInfo, WorkflowStatus, WorkflowType

INFO = WorkflowInfo(
    workflow_id="recon_break_resolution",
    workflow_type=WorkflowType.AIRFLOW,
    description="Matches two blotters",
    parameters_schema={"type": "object", "properties": {"day": {"type": "string", "format": "date"}}},
)


def run_status(run_id: str, status: RunStatus = RunStatus.RUNNING, progress: float = 0.5) -> WorkflowStatus:
    return WorkflowStatus(
        workflow_run_id=run_id, status=status, progress=progress, workflow_type=WorkflowType.AIRFLOW, result={"n": 1}
    )


@dataclass
class FakeEngine:
    """An `Engine` in memory, which a test can take down."""

    infos: list[WorkflowInfo] = field(default_factory=list)
    runs: dict[str, WorkflowStatus] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)
    hints: list[str | None] = field(default_factory=list)
    on_status: Callable[[str], None] = lambda _: None

    async def status(self, workflow_run_id: str, workflow_id: str | None = None) -> WorkflowStatus | None:
        self.asked.append(workflow_run_id)
        self.hints.append(workflow_id)
        self.on_status(workflow_run_id)
        self._answer()
        found = self.runs.get(workflow_run_id)
        return found.model_copy() if found else None

    async def workflows(self) -> list[WorkflowInfo]:
        self.asked.append("workflows")
        self._answer()
        return list(self.infos)

    def _answer(self) -> None:
        if self.down:
            raise EngineDownError("it is down")


class EngineSubject(Protocol):
    """An engine that has one workflow and one run at least, and can be taken down."""

    @property
    def engine(self) -> Engine: ...

    @property
    def known_workflow(self) -> WorkflowInfo: ...

    @property
    def known_run(self) -> WorkflowStatus: ...

    async def take_down(self) -> None: ...


class EngineSuite:
    """Subclass it, and give the fixture `subject`."""

    async def test_lists_its_workflows(self, subject: EngineSubject) -> None:
        assert subject.known_workflow in await subject.engine.workflows()

    async def test_tells_how_a_run_stands(self, subject: EngineSubject) -> None:
        assert await subject.engine.status(subject.known_run.workflow_run_id) == subject.known_run

    async def test_takes_the_workflow_as_a_hint(self, subject: EngineSubject) -> None:
        run = subject.known_run
        assert await subject.engine.status(run.workflow_run_id, run.workflow_id) == run
        assert await subject.engine.status("nobody-knows-it", "no_such_workflow") is None

    @pytest.mark.parametrize("run_id", ["nobody-knows-it", "a:b+c~d", "."])
    async def test_knows_that_it_does_not_know_a_run(self, subject: EngineSubject, run_id: str) -> None:
        assert await subject.engine.status(run_id) is None

    async def test_says_so_when_it_is_down(self, subject: EngineSubject) -> None:
        await subject.take_down()
        with pytest.raises(EngineDownError):
            await subject.engine.workflows()
        with pytest.raises(EngineDownError):
            await subject.engine.status(subject.known_run.workflow_run_id)
