"""The runs that a caller may read, in pages. A page costs five statements at most, whatever is on it."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from airflow.models.dag import DagModel, DagTag
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from sqlalchemy import Row, exists, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import answers, creation_time, run_filter, task_counts
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import INTERNAL_TAG
from tradewind_airflow.runs.envelope import RESERVED_KEY, is_cancelled
from tradewind_airflow.runs.run_filter import RunFilter
from tradewind_airflow.runs.task_counts import TaskCounts
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType


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
        tasks = task_counts.counted(session, [row.id for row in shown if row.state != DagRunState.SUCCESS])
        found = [_listed(row, tasks.get(row.id, TaskCounts()), is_paused=dags[row.dag_id]) for row in shown]
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


def _listed(row: Row[Any], tasks: TaskCounts, *, is_paused: bool) -> WorkflowStatus:
    is_over = is_cancelled({RESERVED_KEY: row.envelope}, clear_number=row.clear_number, state=row.state)
    word = answers.run_status(row.state, is_paused=is_paused, is_cancelled=is_over)
    return WorkflowStatus(
        workflow_run_id=row.run_id,
        status=RunStatus.WAITING if word is RunStatus.RUNNING and tasks.asked else word,
        progress=1.0 if word is RunStatus.SUCCEEDED else tasks.progress,
        started_at=row.start_date,
        completed_at=row.end_date,
        workflow_id=row.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
    )
