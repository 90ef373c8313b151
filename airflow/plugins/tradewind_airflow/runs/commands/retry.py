"""Retry: a run that has ended runs again, by Airflow's own clear, which counts it in `clear_number`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from airflow.api_fastapi.common.dagbag import resolve_run_on_latest_version
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.state import DagRunState, State, TaskInstanceState
from sqlalchemy import select

from tradewind_airflow.runs.commands.locked_run import LockedRun, locked_run
from tradewind_airflow.runs.envelope import KEPT_RETRIES, Retry
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.commands import RetryScope
from tradewind_contracts.problems import ProblemType


@dataclass(frozen=True)
class Ended:
    """A task instance of a run that has ended."""

    task_id: str
    map_index: int
    state: str | None


def retry(address: RunAddress, scope: RetryScope, key: str | None = None) -> bool:
    """Run a run again; return, when that is committed, whether an earlier call with `key` had done so.

    Raises `RefusedError`.
    """
    with locked_run(address) as target:
        key_id = target.key_id(key)
        if is_repeat(target.envelope.retries, key_id, scope):
            return True
        check(target.run.state)
        number = _clear(target, scope)
        if key_id:
            kept = [*target.envelope.retries, Retry(id=key_id, scope=scope)][-KEPT_RETRIES:]
            target.keep(retries=kept)
        target.audit("retry", scope=scope, cleared=number)
        return False


def is_repeat(retries: Sequence[Retry], key: str | None, scope: RetryScope) -> bool:
    """Whether this very retry was carried out before; raise `RefusedError` where the key was used for another one."""
    known = next((retry for retry in retries if retry.id == key), None)
    if known and known.scope is not scope:
        detail = f"this Idempotency-Key was used for a retry of scope {known.scope.value!r}; take another key"
        raise RefusedError(ProblemType.IDEMPOTENCY_CONFLICT, detail)
    return known is not None


def check(run_state: str) -> None:
    """Raise `RefusedError` unless the run has ended."""
    if run_state not in State.finished_dr_states:
        detail = f"the run has not ended ({run_state}): wait for its end, or cancel it first"
        raise RefusedError(ProblemType.STATE_CONFLICT, detail)


def to_do_again(
    tasks: Sequence[Ended], downstream: Callable[[str], Collection[str]], run_state: str
) -> list[tuple[str, int]]:
    """Return the tasks that failed and those that waited for them, as (task id, map index).

    A task that was skipped below a failed one is decided on anew: Airflow keeps what a branch has said. A run that
    somebody marked as failed before any of its tasks failed has skipped ones alone.
    """
    failed = [task for task in tasks if task.state in State.failed_states]
    below = {name for task_id in {task.task_id for task in failed} for name in downstream(task_id)}
    skipped = [task for task in tasks if task.state == TaskInstanceState.SKIPPED]
    waited = [task for task in skipped if task.task_id in below]
    if not failed and run_state == DagRunState.FAILED:
        waited = skipped
    return [(task.task_id, task.map_index) for task in [*failed, *waited]]


def _clear(target: LockedRun, scope: RetryScope) -> int:
    run, dag = target.run, target.dag()
    if dag is None or run.dag_model is None or run.dag_model.is_stale:
        detail = f"the DAG {run.dag_id!r} is no longer there in this run's version: bring it back, or trigger a new run"
        raise RefusedError(ProblemType.WORKFLOW_UNAVAILABLE, detail)
    chosen = None if scope is RetryScope.ALL else _failed(target, dag)
    latest = resolve_run_on_latest_version(None, run.dag_id, target.session)
    number = dag.clear(run_id=run.run_id, task_ids=chosen, run_on_latest_version=latest, session=target.session)
    if not number:
        raise RefusedError(ProblemType.STATE_CONFLICT, f"nothing is there to run again in this run ({run.state})")
    return number


def _failed(target: LockedRun, dag: SerializedDAG) -> list[tuple[str, int]]:
    of_run = (TaskInstance.dag_id == target.run.dag_id, TaskInstance.run_id == target.run.run_id)
    rows = target.session.execute(
        select(TaskInstance.task_id, TaskInstance.map_index, TaskInstance.state).where(
            *of_run, TaskInstance.task_id.in_(dag.task_ids)
        )
    )
    tasks = [Ended(row.task_id, row.map_index, row.state) for row in rows]
    chosen = to_do_again(
        tasks, lambda task_id: dag.get_task(task_id).get_flat_relative_ids(upstream=False), target.run.state
    )
    if not chosen:
        detail = f"nothing failed in this run ({target.run.state}); to run it again as a whole, say scope `all`"
        raise RefusedError(ProblemType.STATE_CONFLICT, detail)
    return chosen
