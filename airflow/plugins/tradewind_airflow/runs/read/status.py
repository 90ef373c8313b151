"""The status of one run from Airflow's tables: two statements while it runs, two or three once it has ended."""

from dataclasses import dataclass
from typing import Any

from airflow.utils.session import create_session
from sqlalchemy import Row
from sqlalchemy.orm import Session

from tradewind_airflow.runs import lookup
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.envelope import parsed
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.read import results, summaries
from tradewind_contracts.workflows import RunStatus, WorkflowStatus


@dataclass(frozen=True)
class RunDescription:
    """A run's status, and the id of its row in `dag_run`."""

    row_id: int
    status: WorkflowStatus


def describe(dag_cache: DagCache, address: RunAddress) -> RunDescription:
    """Return a run's status; raise `RefusedError` if the caller can read no such run. Blocks."""
    with create_session(scoped=False) as session:
        run = lookup.readable_run(session, address)
        return RunDescription(run.id, _status(session, dag_cache, run))


def locate(address: RunAddress) -> int:
    """Return the id of a run's row; raise `RefusedError` as `describe` does. Blocks."""
    with create_session(scoped=False) as session:
        return int(lookup.readable_run(session, address).id)


def _status(session: Session, dag_cache: DagCache, run: Row[Any]) -> WorkflowStatus:
    status = summaries.summary(run, summaries.task_counts_of(session, [run]), is_paused=bool(run.is_paused))
    if status.status is RunStatus.SUCCEEDED:
        status.result = results.result(session, dag_cache, run)
    status.error = _error(session, run, status.status)
    return status


def _error(session: Session, run: Row[Any], status: RunStatus) -> str | None:
    if status is RunStatus.CANCELLED:
        cancel = parsed(run.envelope).cancel
        return f"cancelled: {cancel.reason}" if cancel and cancel.reason else "cancelled"
    return results.failures(session, run) if status is RunStatus.FAILED else None
