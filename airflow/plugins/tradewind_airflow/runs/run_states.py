"""What the state of a DAG run means in the contract's words: of a row that was read, and as conditions in SQL.

Both forms are here so that a run's status, the list of runs and the change feed cannot disagree.
"""

from collections.abc import Collection, Mapping
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import ColumnElement, String, and_, cast, exists, func, true

from tradewind_airflow.runs.envelope import RESERVED_KEY, parsed
from tradewind_contracts.workflows import RunStatus

HUMAN_STATES = (TaskInstanceState.AWAITING_INPUT, TaskInstanceState.DEFERRED)
"""States of a task that waits for a person: parked by Airflow 3.3's own operators, deferred by those before."""

_STATUS: Mapping[str, RunStatus] = {
    DagRunState.QUEUED: RunStatus.QUEUED,
    DagRunState.RUNNING: RunStatus.RUNNING,
    DagRunState.SUCCESS: RunStatus.SUCCEEDED,
    DagRunState.FAILED: RunStatus.FAILED,
}


def run_status(
    state: str, *, is_paused: bool = False, is_cancelled: bool = False, is_waiting: bool = False
) -> RunStatus:
    """Return the status of a run. `is_paused` is its DAG's, `is_waiting`: one of its tasks waits for a person."""
    status = RunStatus.CANCELLED if is_cancelled else _STATUS[state]
    if status is RunStatus.QUEUED and is_paused:
        return RunStatus.HELD
    return RunStatus.WAITING if status is RunStatus.RUNNING and is_waiting else status


def status_conditions(paused: Collection[str]) -> Mapping[RunStatus, tuple[DagRunState, ColumnElement[bool]]]:
    """Return `run_status` as SQL: for each status the run's state and what else holds; `paused` are DAG ids.

    No run in Airflow is `triggered` or `rejected`.
    """
    held, waiting, cancelled = DagRun.dag_id.in_(paused), _has_human_input_pending(), _is_cancelled()
    return {
        RunStatus.QUEUED: (DagRunState.QUEUED, ~held),
        RunStatus.HELD: (DagRunState.QUEUED, held),
        RunStatus.RUNNING: (DagRunState.RUNNING, ~waiting),
        RunStatus.WAITING: (DagRunState.RUNNING, waiting),
        RunStatus.SUCCEEDED: (DagRunState.SUCCESS, true()),
        RunStatus.FAILED: (DagRunState.FAILED, ~cancelled),
        RunStatus.CANCELLED: (DagRunState.FAILED, cancelled),
    }


def is_cancelled(envelope: Any, *, clear_number: int, state: str) -> bool:
    """Whether a run is `cancelled`: it failed, and a cancel since its last retry kept something from running.

    `envelope` is `conf["_tradewind"]`, None where there is none. A run whose last tasks succeeded in spite of a cancel
    is `succeeded`: its result exists.
    """
    if state != DagRunState.FAILED or envelope is None:
        return False
    cancel = parsed(envelope).cancel
    return cancel is not None and cancel.clear_number == clear_number and cancel.effective


def _is_cancelled() -> ColumnElement[bool]:
    """`is_cancelled` as SQL; compared as text, as a conf that somebody else wrote must not fail the statement."""
    cancel = (DagRun.conf[(RESERVED_KEY, "cancel", name)].as_string() for name in ("effective", "clear_number"))
    effective, clear_number = (func.coalesce(value, "") for value in cancel)
    # Postgres renders a boolean as `true`, SQLite as 1.
    return and_(effective.in_(["true", "1"]), clear_number == cast(DagRun.clear_number, String))


def is_human_input_pending() -> ColumnElement[bool]:
    """Return the condition that a row of `task_instance` waits for a person, by its row of `hitl_detail`."""
    return and_(
        HITLDetail.ti_id == TaskInstance.id, HITLDetail.responded_at.is_(None), TaskInstance.state.in_(HUMAN_STATES)
    )


def _has_human_input_pending() -> ColumnElement[bool]:
    return exists().where(
        TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id, is_human_input_pending()
    )
