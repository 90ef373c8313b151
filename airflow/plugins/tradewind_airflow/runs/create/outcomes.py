"""The outcome of each item of a batch. Pure functions over what was read from the database."""

from dataclasses import dataclass
from datetime import datetime

from tradewind_airflow.runs.create.existing_runs import ExistingRun
from tradewind_airflow.runs.dags import DagRecord
from tradewind_airflow.runs.run_states import run_status
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.problems import FieldError, Problem, ProblemType, pointer, problem
from tradewind_contracts.workflows import WorkflowType

RETRY_AFTER = 5
"""Seconds after which an unavailable workflow may be asked for again."""


@dataclass(frozen=True)
class ItemOutcome:
    """The outcome of one batch item and when its run was created."""

    result: ItemResult
    created_at: datetime | None = None


def barred(item: BatchItem, *, may_trigger: bool) -> ItemOutcome | None:
    """Return the outcome of an item whose workflow the caller may not trigger, or not here; None otherwise.

    Rights are checked before existence: a caller without the right does not learn whether the DAG exists.
    """
    if item.workflow_type is not WorkflowType.AIRFLOW:
        found = FieldError(pointer=pointer(["workflow_type"]), detail="Airflow runs workflows of type airflow alone")
        detail = f"{item.workflow_id!r} was requested as {item.workflow_type.value}"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail, errors=[found]))
    if not may_trigger:
        why = problem(ProblemType.FORBIDDEN, f"you may not trigger {item.workflow_id!r}")
        return failed(item, Outcome.FORBIDDEN, why)
    return None


def refused(item: BatchItem, dag: DagRecord | None) -> ItemOutcome | None:
    """Return why `item` gets no run, before its parameters are looked at; None when it may get one."""
    if dag is None:
        detail = f"there is no workflow {item.workflow_id!r} in Airflow"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail))
    if not dag.allows_manual_runs:
        detail = f"the DAG {dag.dag_id!r} allows no manual runs (allowed_run_types)"
        return failed(item, Outcome.REJECTED, problem(ProblemType.UNKNOWN_WORKFLOW, detail))
    if trouble := _trouble(dag):
        return unavailable(item, f"the DAG {dag.dag_id!r} {trouble}")
    return None


def _trouble(dag: DagRecord) -> str | None:
    if dag.has_import_errors:
        return "has import errors"
    if dag.is_stale:
        return "is no longer in its file (stale)"
    if dag.key is None:
        return "has not been parsed yet"
    return None


def unavailable(item: BatchItem, detail: str) -> ItemOutcome:
    """Return the outcome of an item whose workflow cannot be run right now."""
    why = problem(ProblemType.WORKFLOW_UNAVAILABLE, detail, retry_after=RETRY_AFTER)
    return failed(item, Outcome.UNAVAILABLE, why)


def bad_parameters(item: BatchItem, errors: list[FieldError]) -> ItemOutcome:
    """Return the outcome of an item whose parameters break the workflow's schema."""
    detail = "; ".join(f"{error.pointer} {error.detail}" for error in errors[:5])
    return failed(item, Outcome.REJECTED, problem(ProblemType.INVALID_PARAMETERS, detail, errors=errors))


def refused_by_airflow(item: BatchItem, reason: str) -> ItemOutcome:
    """Return the outcome of an item whose run Airflow itself refused, in its own words."""
    return failed(item, Outcome.REJECTED, problem(ProblemType.INVALID_PARAMETERS, reason[:1000]))


def compared(item: BatchItem, runs: list[ExistingRun], dag: DagRecord | None) -> ItemOutcome:
    """Return the outcome of an item whose id has runs: this very run, or a conflict."""
    run = next((run for run in runs if run.is_of(item)), None)
    if run is None:
        detail = f"the run {item.workflow_run_id!r} exists, for another request; choose another id"
        return failed(item, Outcome.CONFLICT, problem(ProblemType.IDEMPOTENCY_CONFLICT, detail))
    return _having_run(Outcome.EXISTS, run, dag)


def created(run: ExistingRun, dag: DagRecord) -> ItemOutcome:
    """Return the outcome of an item whose run was created just now."""
    return _having_run(Outcome.CREATED, run, dag)


def _having_run(outcome: Outcome, run: ExistingRun, dag: DagRecord | None) -> ItemOutcome:
    status = run_status(run.state, is_paused=dag is not None and dag.is_paused)
    return ItemOutcome(ItemResult(outcome=outcome, workflow_run_id=run.run_id, status=status), run.created_at)


def failed(item: BatchItem, outcome: Outcome, why: Problem) -> ItemOutcome:
    """Return the outcome of an item that got no run."""
    return ItemOutcome(ItemResult(outcome=outcome, workflow_run_id=item.workflow_run_id, problem=why))
