"""Cancel: nothing more of a run is started; by force, what runs is ended as well.

What never ran becomes `upstream_failed` and not, as by Airflow's own "mark as failed", `skipped`: a run whose last
tasks were skipped is a success to Airflow, and to whatever waits for it. And Airflow's "clear failed tasks" finds what
a cancel kept from running, so that a retry goes on where the run was left.

A task's tries belong together: one that runs, and fails after a graceful cancel, is tried again as its author wished.
Another graceful cancel ends it between two tries, one by force at once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from airflow.listeners.listener import get_listener_manager
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.sqlalchemy import with_row_locks
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import func, select, update
from structlog import get_logger

from tradewind_airflow.runs.commands import cancel_plan
from tradewind_airflow.runs.commands.cancel_plan import Plan, Task
from tradewind_airflow.runs.commands.locked_run import LockedRun, locked_run
from tradewind_airflow.runs.envelope import Cancellation
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_contracts.commands import CancelRequest

log = get_logger(__name__)

CHUNK = 500
"""Task instances that one statement changes."""


def cancel(address: RunAddress, wanted: CancelRequest, key: str | None = None) -> bool:
    """Cancel a run; return, when that is committed, whether an earlier call with `key` had done so.

    Raises `RefusedError`.
    """
    with locked_run(address) as target:
        last = target.envelope.cancel
        key_id = target.key_id(key)
        if key_id and last and last.id == key_id:
            return True
        known = last if last and last.clear_number == target.run.clear_number else None
        if not cancel_plan.is_done(wanted.mode, known, target.run.state):
            _cancel(target, wanted, known, key_id)
        return False


def _cancel(target: LockedRun, wanted: CancelRequest, known: Cancellation | None, key_id: str | None) -> None:
    dag = target.dag()
    plan = cancel_plan.plan(wanted.mode, _tasks(target, dag), target.run.state)
    if plan.is_empty and known and cancel_plan.covers(known, wanted.mode):
        return
    _carry_out(target, plan, dag)
    target.keep(cancel=_record(target, plan, wanted, known).model_copy(update={"id": key_id}))
    target.audit("cancel", mode=wanted.mode, not_started=len(plan.upstream_failed), ended=len(plan.failed))


def _tasks(target: LockedRun, dag: SerializedDAG | None) -> list[Task]:
    """Return the run's task instances; until the commit no worker starts or ends one of them."""
    query = select(TaskInstance.id, TaskInstance.task_id, TaskInstance.state, TaskInstance.next_method).where(
        TaskInstance.dag_id == target.run.dag_id, TaskInstance.run_id == target.run.run_id
    )
    teardowns = {task.task_id for task in dag.tasks if task.is_teardown} if dag else set()
    rows = target.session.execute(with_row_locks(query, target.session, of=TaskInstance))
    return [Task(row.id, row.state, row.next_method is not None, row.task_id in teardowns) for row in rows]


def _carry_out(target: LockedRun, plan: Plan, dag: SerializedDAG | None) -> None:
    _mark(target, plan.upstream_failed, TaskInstanceState.UPSTREAM_FAILED)
    _mark(target, plan.failed, TaskInstanceState.FAILED)
    for task in target.session.scalars(select(TaskInstance).where(TaskInstance.id.in_(plan.failed))).all():
        error = f"TaskInstance's state was manually set to `{TaskInstanceState.FAILED}`."
        _notify("on_task_instance_failed", previous_state=None, task_instance=task, error=error)
    if plan.ends_run:
        _end(target, dag)


def _mark(target: LockedRun, ids: Sequence[UUID], state: TaskInstanceState) -> None:
    """Set what `TaskInstance.set_state` sets, for many."""
    now = datetime.now(UTC)
    for start in range(0, len(ids), CHUNK):
        chosen = update(TaskInstance).where(TaskInstance.id.in_(ids[start : start + CHUNK]))
        target.session.execute(chosen.where(TaskInstance.start_date.is_(None)).values(start_date=now))
        change = chosen.values(state=state)
        change = TaskInstance.duration_expression_update(now, change, target.session.get_bind())
        target.session.execute(change.values(end_date=func.coalesce(TaskInstance.end_date, now)))


def _end(target: LockedRun, dag: SerializedDAG | None) -> None:
    """End the run as Airflow's `PATCH dagRuns` does (`patch_dag_run_state`): without the DAG's own callbacks."""
    target.run.set_state(DagRunState.FAILED)
    target.run.dag = dag
    _notify("on_dag_run_failed", dag_run=target.run, msg="Dag Run was cancelled.")


def _notify(hook: str, **arguments: Any) -> None:
    """Call Airflow's listeners as its own API does: an error of theirs is logged, and fails no command."""
    try:
        getattr(get_listener_manager().hook, hook)(**arguments)
    except Exception:
        log.exception("error calling listener")


def _record(target: LockedRun, plan: Plan, wanted: CancelRequest, known: Cancellation | None) -> Cancellation:
    return Cancellation(
        mode=known.mode if known and cancel_plan.covers(known, wanted.mode) else wanted.mode,
        reason=wanted.reason or (known.reason if known else None),
        by=target.caller_name,
        at=datetime.now(UTC),
        clear_number=target.run.clear_number,
        effective=not plan.is_empty or (known is not None and known.effective),
    )
