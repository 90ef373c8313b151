"""A run's status: from its engine, or if no engine has it, from the topics (architecture.md D7)."""

import asyncio
import contextlib
import random
from dataclasses import dataclass
from typing import Protocol

from tradewind_api.engines import EngineDownError, Engines
from tradewind_api.ledger import LedgerIndex, Run
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import WorkflowStatus, WorkflowType
from tradewind_service.problem_responses import ProblemError, problem_error

RETRY_AFTER_SECONDS = 2
_RECHECK_SECONDS = (1.0, 3.0)


class LedgerProgress(Protocol):
    """How far the topics have been read."""

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition has been reached once."""
        ...

    @property
    def lag(self) -> int:
        """Records not yet read."""
        ...


@dataclass(frozen=True)
class _Found:
    """A run's status; `is_engine_down` if it is from the topics for that reason."""

    status: WorkflowStatus
    is_engine_down: bool = False


class Statuses:
    """Asks the engine that owns a run, or all engines if the owner is not known."""

    def __init__(self, engines: Engines, index: LedgerIndex, progress: LedgerProgress) -> None:
        self._engines = engines
        self._index = index
        self._progress = progress

    async def status(self, workflow_run_id: str) -> WorkflowStatus:
        """Return the run's status; raise `ProblemError` (unknown-run, engine-unavailable)."""
        return (await self._find(workflow_run_id)).status

    async def ended(self, workflow_run_id: str, seconds: float) -> WorkflowStatus | None:
        """Return the run's status once it is terminal, or None if that takes longer than `seconds`.

        The engine is asked at once, and again when the topics report the end (ADR 12); every few seconds besides, in
        case they lag. The end of a run whose engine is down is returned, without a result, when the time is over.
        """
        last_known: WorkflowStatus | None = None
        with contextlib.suppress(TimeoutError), self._index.ends.awaited(workflow_run_id) as reported:
            async with asyncio.timeout(seconds):
                while True:
                    reported.clear()
                    found = await self._find_ended(workflow_run_id)
                    if found and not found.is_engine_down:
                        return found.status
                    last_known = found.status if found else None
                    await _wait(reported, random.uniform(*_RECHECK_SECONDS))  # noqa: S311  # jitter is no secret
        return last_known

    async def _find_ended(self, workflow_run_id: str) -> _Found | None:
        try:
            found = await self._find(workflow_run_id)
        except ProblemError:
            return None
        return found if found.status.status.is_terminal else None

    async def _find(self, workflow_run_id: str) -> _Found:
        run = self._index.get(workflow_run_id)
        owners = [run.workflow_type] if run and run.workflow_type else list(self._engines)
        answers = await asyncio.gather(*(self._ask(owner, workflow_run_id, run) for owner in owners))
        for answer in answers:
            if isinstance(answer, WorkflowStatus):
                return _Found(answer)
        down = [str(answer) for answer in answers if isinstance(answer, EngineDownError)]
        # Read the index again: it may have been updated while the engines were asked.
        return self._from_topics(workflow_run_id, self._index.get(workflow_run_id), down)

    async def _ask(
        self, owner: WorkflowType, workflow_run_id: str, run: Run | None
    ) -> WorkflowStatus | EngineDownError | None:
        try:
            return await self._engines[owner].status(workflow_run_id, run.workflow_id if run else None)
        except EngineDownError as error:
            return error

    def _from_topics(self, workflow_run_id: str, run: Run | None, down: list[str]) -> _Found:
        if run is not None:
            known = run.last_known(workflow_run_id)
            # The engine reported a status once and no longer has the run: its last status may be out of date.
            known.stale = bool(down) or run.status is not None
            return _Found(known, is_engine_down=bool(down))
        if down:
            raise _unavailable("; ".join(down))
        if not self._progress.caught_up:
            raise _unavailable("no engine has the run, and the topics have not been read to their end yet")
        raise problem_error(
            ProblemType.UNKNOWN_RUN, f"no engine has a run {workflow_run_id}, and no event asked for one"
        )


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _unavailable(detail: str) -> ProblemError:
    return problem_error(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)
