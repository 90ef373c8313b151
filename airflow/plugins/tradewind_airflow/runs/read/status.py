"""Where a run is, as Airflow's tables say now: two statements while it goes on, two or three when it has ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import names
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog
from tradewind_airflow.runs.create import outcomes
from tradewind_airflow.runs.envelope import RESERVED_KEY, is_cancelled, parsed
from tradewind_airflow.runs.read import results, task_counts
from tradewind_airflow.runs.read.task_counts import TaskCounts
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType


class UnknownRunError(LookupError):
    """No run that the caller may read has this id."""


class AmbiguousRunError(LookupError):
    """Several DAGs have a run with this id; the arguments are their ids."""


@dataclass(frozen=True)
class Described:
    """A run's answer, and the row of `dag_run` that it is about."""

    row_id: int
    status: WorkflowStatus


class StatusService:
    """Answers for runs. Its calls block, so they belong on a worker thread.

    A run is looked up by its id alone (index `tradewind_dag_run_run_id`), and rights are asked for on what was found:
    Airflow's own for reading DAG runs.
    """

    def __init__(self, workflows: Catalog) -> None:
        self._catalog = workflows

    def status(self, run_id: str, caller: Caller, workflow_id: str | None = None) -> WorkflowStatus:
        """Return where a run is; raise `UnknownRunError` or `AmbiguousRunError`."""
        return self.describe(run_id, caller, workflow_id).status

    def describe(self, run_id: str, caller: Caller, workflow_id: str | None = None) -> Described:
        """Return where a run is, with its row's id; raise as `status` does."""
        with create_session(scoped=False) as session:
            run = _one(_runs(session, run_id, workflow_id), caller)
            return Described(run.id, self._status(session, run))

    def locate(self, run_id: str, caller: Caller, workflow_id: str | None = None) -> int:
        """Return the id of a run's row; raise as `status` does."""
        with create_session(scoped=False) as session:
            return int(_one(_runs(session, run_id, workflow_id), caller).id)

    def _status(self, session: Session, run: Row[Any]) -> WorkflowStatus:
        known = standing(run, counted(session, [run]), is_paused=bool(run.is_paused))
        if known.status is RunStatus.SUCCEEDED:
            known.result = results.result(session, self._catalog, run)
        known.error = _error(session, run, known.status)
        return known


def counted(session: Session, runs: Iterable[Row[Any]]) -> dict[int, TaskCounts]:
    """Return the task counts that `standing` needs, in one statement; a run that succeeded needs none."""
    return task_counts.counted(session, [run.id for run in runs if run.state != DagRunState.SUCCESS])


def standing(run: Row[Any], tasks: Mapping[int, TaskCounts], *, is_paused: bool) -> WorkflowStatus:
    """Return where a row of `dag_run` is, without `result` and `error`; `tasks` are counts by row id."""
    cancelled = is_cancelled(run.envelope, clear_number=run.clear_number, state=run.state)
    word = outcomes.run_status(run.state, is_paused=is_paused, is_cancelled=cancelled)
    count = tasks.get(run.id, TaskCounts())
    return WorkflowStatus(
        workflow_run_id=run.run_id,
        status=RunStatus.WAITING if word is RunStatus.RUNNING and count.asked else word,
        progress=1.0 if word is RunStatus.SUCCEEDED else count.progress,
        started_at=run.start_date,
        completed_at=run.end_date,
        workflow_id=run.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
    )


def _runs(session: Session, run_id: str, workflow_id: str | None) -> Sequence[Row[Any]]:
    query = _of_workflow() if workflow_id else _by_run_id()
    return session.execute(query, {"run_id": run_id} | ({"dag_id": workflow_id} if workflow_id else {})).all()


# Each statement is built once: SQLAlchemy spends more on that than Postgres on the answer.


@cache
def _by_run_id() -> Select[*tuple[Any, ...]]:
    return (
        select(
            DagRun.id,
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.start_date,
            DagRun.end_date,
            DagRun.clear_number,
            DagRun.conf[RESERVED_KEY].label("envelope"),
            DagRun.created_dag_version_id,
            DagModel.is_paused,
        )
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .where(DagRun.run_id == bindparam("run_id"))
    )


@cache
def _of_workflow() -> Select[*tuple[Any, ...]]:
    return _by_run_id().where(DagRun.dag_id == bindparam("dag_id"))


def _one(runs: Sequence[Row[Any]], caller: Caller) -> Row[Any]:
    readable = [run for run in runs if names.is_workflow_id(run.dag_id) and caller.may_read(run.dag_id)]
    if not readable:
        raise UnknownRunError
    if len(readable) > 1:
        raise AmbiguousRunError(*sorted(run.dag_id for run in readable))
    return readable[0]


def _error(session: Session, run: Row[Any], word: RunStatus) -> str | None:
    if word is RunStatus.CANCELLED:
        cancel = parsed(run.envelope).cancel
        return f"cancelled: {cancel.reason}" if cancel and cancel.reason else "cancelled"
    return results.failures(session, run) if word is RunStatus.FAILED else None
