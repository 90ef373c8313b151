"""What ingestion relies on in the plugin's batch endpoint: one suite for the fake and for the real one."""

from collections.abc import Sequence
from typing import Protocol

from tradewind_airflow.ingestion.decisions import Cancel
from tradewind_contracts import run_ids
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.commands import CancelRequest
from tradewind_contracts.events import CancelMode
from tradewind_contracts.problems import Problem, ProblemType, problem
from tradewind_contracts.workflows import WorkflowType

KNOWN = "test_typed"
BROKEN = "test_broken"
FITTING = {"isin": "US0378331005"}


class Plugin(Protocol):
    """The fake's and the client's surface."""

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return an answer per item."""
        ...

    def cancel(self, cancel: Cancel) -> Problem | None:
        """Return why not, if not."""
        ...


class FakePlugin:
    """Answers as the plugin does, from memory. `down` is raised instead, while it is set."""

    def __init__(self) -> None:
        self.runs: dict[str, BatchItem] = {}
        self.calls: list[int] = []
        self.cancelled: list[str] = []
        self.broken = {BROKEN}
        self.down: Exception | None = None

    def trigger(self, items: Sequence[BatchItem]) -> list[ItemResult]:
        """Return an answer per item."""
        self.calls.append(len(items))
        if self.down:
            raise self.down
        return [self._answer(item) for item in items]

    def cancel(self, cancel: Cancel) -> Problem | None:
        """Cancel a run that is known."""
        if self.down:
            raise self.down
        if cancel.workflow_run_id not in self.runs:
            return problem(ProblemType.UNKNOWN_RUN, "said so")
        self.cancelled.append(cancel.workflow_run_id)
        return None

    def _answer(self, item: BatchItem) -> ItemResult:
        run_id = item.workflow_run_id or run_ids.new()
        known = self.runs.get(run_id)
        if known:
            same = (known.workflow_id, known.parameters) == (item.workflow_id, item.parameters)
            return (
                _result(run_id, Outcome.EXISTS)
                if same
                else _result(run_id, Outcome.CONFLICT, ProblemType.IDEMPOTENCY_CONFLICT)
            )
        if item.workflow_id in self.broken:
            return _result(run_id, Outcome.UNAVAILABLE, ProblemType.WORKFLOW_UNAVAILABLE)
        if item.workflow_id != KNOWN:
            return _result(run_id, Outcome.REJECTED, ProblemType.UNKNOWN_WORKFLOW)
        if "isin" not in item.parameters:
            return _result(run_id, Outcome.REJECTED, ProblemType.INVALID_PARAMETERS)
        self.runs[run_id] = item
        return _result(run_id, Outcome.CREATED)


def _result(run_id: str, outcome: Outcome, kind: ProblemType | None = None) -> ItemResult:
    return ItemResult(outcome=outcome, workflow_run_id=run_id, problem=problem(kind, "said so") if kind else None)


def item(workflow_id: str = KNOWN, run_id: str | None = None, **parameters: object) -> BatchItem:
    """A trigger that fits, or not."""
    return BatchItem(
        workflow_id=workflow_id,
        workflow_type=WorkflowType.AIRFLOW,
        parameters=parameters or FITTING,
        workflow_run_id=run_id or run_ids.new(),
    )


def cancel(run_id: str | None, workflow_id: str = KNOWN, key: str = "a-key") -> Cancel:
    """A cancel by force."""
    return Cancel(run_id or "", workflow_id, key, CancelRequest(mode=CancelMode.FORCE, reason="wrong file"))


class PluginSuite:
    """Subclasses give a `plugin` fixture."""

    def test_a_run_is_made_once(self, plugin: Plugin) -> None:
        one = item()
        assert [result.outcome for result in plugin.trigger([one])] == [Outcome.CREATED]
        assert [result.outcome for result in plugin.trigger([one, one])] == [Outcome.EXISTS, Outcome.EXISTS]

    def test_a_repeat_within_one_batch_exists(self, plugin: Plugin) -> None:
        one = item()
        assert [result.outcome for result in plugin.trigger([one, one])] == [Outcome.CREATED, Outcome.EXISTS]

    def test_an_id_stands_for_one_request(self, plugin: Plugin) -> None:
        one = item()
        plugin.trigger([one])
        (answer,) = plugin.trigger([item(run_id=one.workflow_run_id, isin="DE0005140008")])
        assert answer.outcome is Outcome.CONFLICT
        assert answer.problem
        assert answer.problem.type == ProblemType.IDEMPOTENCY_CONFLICT.uri

    def test_each_item_has_its_own_answer_in_order(self, plugin: Plugin) -> None:
        items = [item(), item("nobody_knows_it"), item(), item(quantity=1), item(BROKEN), item()]
        results = plugin.trigger(items)
        assert [result.outcome for result in results] == [
            Outcome.CREATED,
            Outcome.REJECTED,
            Outcome.CREATED,
            Outcome.REJECTED,
            Outcome.UNAVAILABLE,
            Outcome.CREATED,
        ]
        assert [result.workflow_run_id for result in results] == [one.workflow_run_id for one in items]
        kinds = [result.problem.type.rpartition(":")[2] if result.problem else None for result in results]
        assert kinds == [None, "unknown-workflow", None, "invalid-parameters", "workflow-unavailable", None]

    def test_a_run_that_was_made_can_be_cancelled_and_again(self, plugin: Plugin) -> None:
        one = item()
        plugin.trigger([one])
        assert [plugin.cancel(cancel(one.workflow_run_id)) for _ in range(2)] == [None, None]
        assert [result.outcome for result in plugin.trigger([one])] == [Outcome.EXISTS]

    def test_a_run_that_was_not_made_cannot(self, plugin: Plugin) -> None:
        refusal = plugin.cancel(cancel(run_ids.new()))
        assert refusal
        assert refusal.type == ProblemType.UNKNOWN_RUN.uri
