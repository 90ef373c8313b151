"""The runs that a caller may read, in pages. A page costs five statements at most, whatever is on it."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, State
from sqlalchemy import Row, Select, and_, bindparam, exists, func, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import answers, creation_time, run_filter
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import INTERNAL_TAG
from tradewind_airflow.runs.envelope import RESERVED_KEY, is_cancelled
from tradewind_airflow.runs.run_filter import HUMAN_STATES, RunFilter
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType

ROW_IDS = "row_ids"

Tasks = Sequence[Row[Any]]
"""Of one run: its task instances by state (`state`, `number`), and how many of them wait for a person (`asked`)."""


def page(
    caller: Caller, workflow_ids: Collection[str], wanted: RunFilter, limit: int
) -> tuple[list[WorkflowStatus], int | None]:
    """Return the newest `limit` runs that fit, and the row id below which the next page goes on; None after the last.

    `workflow_ids` narrows to these workflows; none given means all that the caller may read. `result` and `error` are
    left to the status of a single run, as each of them would cost a look-up per run. Blocks.
    """
    with create_session(scoped=False) as session:
        dags = _dags(session, caller, workflow_ids)
        if not dags:
            return [], None
        rows = session.execute(run_filter.page(_bounded(session, wanted), dags, limit + 1)).all()
        shown = rows[:limit]
        tasks = _tasks(session, [row.id for row in shown if row.state != DagRunState.SUCCESS])
        found = [_listed(row, tasks.get(row.id, ()), is_paused=dags[row.dag_id]) for row in shown]
        return found, shown[-1].id if len(rows) > limit else None


def _dags(session: Session, caller: Caller, workflow_ids: Collection[str]) -> dict[str, bool]:
    """Return the DAGs whose runs the caller may list, and whether each is paused. Internal ones are nobody's."""
    internal = exists().where(DagTag.dag_id == DagModel.dag_id, DagTag.name == INTERNAL_TAG)
    known = select(DagModel.dag_id, DagModel.is_paused).where(~internal)
    if workflow_ids:
        named = [dag_id for dag_id in sorted(set(workflow_ids)) if caller.may_read(dag_id)]
        return {row.dag_id: bool(row.is_paused) for row in session.execute(known.where(DagModel.dag_id.in_(named)))}
    readable = caller.readable(session)
    return {row.dag_id: bool(row.is_paused) for row in session.execute(known) if row.dag_id in readable}


def _bounded(session: Session, wanted: RunFilter) -> RunFilter:
    """Return the filter with its times turned into row ids, by which the walk begins and ends."""
    first = creation_time.first_id(session, wanted.created_after) if wanted.created_after else None
    ends = [
        creation_time.end_id(session, wanted.created_before) if wanted.created_before else None,
        wanted.end_id,
    ]
    return replace(wanted, first_id=first, end_id=min((end for end in ends if end is not None), default=None))


def _tasks(session: Session, row_ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in session.execute(_counted(), {ROW_IDS: list(row_ids)}) if row_ids else ():
        found.setdefault(row.id, []).append(row)
    return found


@cache
def _counted() -> Select[Any]:
    asked = and_(
        HITLDetail.ti_id == TaskInstance.id, HITLDetail.responded_at.is_(None), TaskInstance.state.in_(HUMAN_STATES)
    )
    columns: list[Any] = [func.count().label("number"), func.count(HITLDetail.ti_id).label("asked")]
    query: Select[Any] = (
        select(DagRun.id, TaskInstance.state.label("state"), *columns)
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(HITLDetail, asked)
        .where(DagRun.id.in_(bindparam(ROW_IDS, expanding=True)))
        .group_by(DagRun.id, TaskInstance.state)
    )
    return query


def _listed(row: Row[Any], tasks: Tasks, *, is_paused: bool) -> WorkflowStatus:
    status = _status(row, tasks, is_paused=is_paused)
    return WorkflowStatus(
        workflow_run_id=row.run_id,
        status=status,
        progress=1.0 if status is RunStatus.SUCCEEDED else _progress(tasks),
        started_at=row.start_date,
        completed_at=row.end_date,
        workflow_id=row.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
    )


def _status(row: Row[Any], tasks: Tasks, *, is_paused: bool) -> RunStatus:
    if is_cancelled({RESERVED_KEY: row.envelope}, clear_number=row.clear_number, state=row.state):
        return RunStatus.CANCELLED
    status = answers.run_status(row.state, is_paused=is_paused)
    asked = status is RunStatus.RUNNING and any(group.asked for group in tasks)
    return RunStatus.WAITING if asked else status


def _progress(tasks: Tasks) -> float:
    total = sum(group.number for group in tasks)
    finished = sum(group.number for group in tasks if group.state in State.finished)
    return finished / total if total else 0.0
