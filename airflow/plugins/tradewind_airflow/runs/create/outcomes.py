"""The answer to each item of a batch. Pure functions over what was read from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from airflow.utils.state import DagRunState

from tradewind_airflow.runs.catalog import Workflow
from tradewind_airflow.runs.create.existing_runs import ExistingRun
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.problems import FieldError, Problem, ProblemType, pointer, problem
from tradewind_contracts.workflows import RunStatus, WorkflowType

RETRY_AFTER = 5
"""Seconds after which an unavailable workflow may be asked for again."""

_STATUS: Mapping[str, RunStatus] = {
    DagRunState.QUEUED: RunStatus.QUEUED,
    DagRunState.RUNNING: RunStatus.RUNNING,
    DagRunState.SUCCESS: RunStatus.SUCCEEDED,
    DagRunState.FAILED: RunStatus.FAILED,
}


@dataclass(frozen=True)
class ItemOutcome:
    """What a caller is told of one item, and since when its run exists."""

    result: ItemResult
    created_at: datetime | None = None


def run_status(state: str, *, is_paused: bool, is_cancelled: bool = False) -> RunStatus:
    """Return the contract's word for a DAG run's state; a queued run of a paused DAG is held.

    `is_cancelled` is `envelope.is_cancelled`'s judgement. Whether a running one waits for a person, its tasks tell.
    """
    status = RunStatus.CANCELLED if is_cancelled else _STATUS[state]
    return RunStatus.HELD if status is RunStatus.QUEUED and is_paused else status


def barred(item: BatchItem, *, may_trigger: bool) -> ItemOutcome | None:
    """Return why nothing at all is told about `item`; None when the caller may have its run.

    Rights come before existence: who may not trigger a DAG does not learn whether it exists.
    """
    if item.workflow_type is not WorkflowType.AIRFLOW:
        found = FieldError(pointer=pointer(["workflow_type"]), detail="Airflow runs workflows of type airflow alone")
        detail = f"{item.workflow_id!r} is asked for as {item.workflow_type.value}"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail, errors=[found]))
    if not may_trigger:
        why = problem(ProblemType.FORBIDDEN, f"you may not trigger {item.workflow_id!r}")
        return failed(item, Outcome.FORBIDDEN, why)
    return None


def refused(item: BatchItem, workflow: Workflow | None) -> ItemOutcome | None:
    """Return why `item` gets no run, before its parameters are looked at; None when it may get one."""
    if workflow is None:
        detail = f"there is no workflow {item.workflow_id!r} in Airflow"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail))
    if not workflow.allows_manual_runs:
        detail = f"the DAG {workflow.dag_id!r} allows no manual runs (allowed_run_types)"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail))
    if trouble := _trouble(workflow):
        return unavailable(item, f"the DAG {workflow.dag_id!r} {trouble}")
    return None


def _trouble(workflow: Workflow) -> str | None:
    if workflow.has_import_errors:
        return "has import errors"
    if workflow.is_stale:
        return "is no longer in its file (stale)"
    if workflow.key is None:
        return "has not been parsed yet"
    return None


def unavailable(item: BatchItem, detail: str) -> ItemOutcome:
    """Return the answer to an item whose workflow cannot be run right now."""
    why = problem(ProblemType.WORKFLOW_UNAVAILABLE, detail, retry_after=RETRY_AFTER)
    return failed(item, Outcome.UNAVAILABLE, why)


def bad_parameters(item: BatchItem, errors: list[FieldError]) -> ItemOutcome:
    """Return the answer to an item whose parameters break the workflow's schema."""
    detail = "; ".join(f"{error.pointer} {error.detail}" for error in errors[:5])
    return failed(item, Outcome.REJECTED, problem(ProblemType.INVALID_PARAMETERS, detail, errors=errors))


def refused_by_airflow(item: BatchItem, reason: str) -> ItemOutcome:
    """Return the answer to an item whose run Airflow itself refused, in its own words."""
    return failed(item, Outcome.REJECTED, problem(ProblemType.INVALID_PARAMETERS, reason[:1000]))


def compared(item: BatchItem, runs: list[ExistingRun], workflow: Workflow | None) -> ItemOutcome:
    """Return the answer to an item whose id has runs: this very run, or a conflict."""
    run = next((run for run in runs if run.is_of(item)), None)
    if run is None:
        detail = f"the run {item.workflow_run_id!r} exists, for another request; choose another id"
        return failed(item, Outcome.CONFLICT, problem(ProblemType.IDEMPOTENCY_CONFLICT, detail))
    return _having_run(Outcome.EXISTS, run, workflow)


def created(run: ExistingRun, workflow: Workflow) -> ItemOutcome:
    """Return the answer to an item whose run was made just now."""
    return _having_run(Outcome.CREATED, run, workflow)


def _having_run(outcome: Outcome, run: ExistingRun, workflow: Workflow | None) -> ItemOutcome:
    status = run_status(run.state, is_paused=workflow is not None and workflow.is_paused)
    return ItemOutcome(ItemResult(outcome=outcome, workflow_run_id=run.run_id, status=status), run.created_at)


def failed(item: BatchItem, outcome: Outcome, why: Problem) -> ItemOutcome:
    """Return the answer to an item that got no run."""
    return ItemOutcome(ItemResult(outcome=outcome, workflow_run_id=item.workflow_run_id, problem=why))
