"""The runs that a caller may read, in pages. A page costs five statements at most, whatever is on it."""

from collections.abc import Collection
from dataclasses import replace

from airflow.models.dag import DagModel
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import names
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.dags import is_internal
from tradewind_airflow.runs.read import creation_time, run_filter, summaries
from tradewind_airflow.runs.read.run_filter import RunFilter
from tradewind_contracts.workflows import WorkflowStatus


def page(
    caller: Caller, workflow_ids: Collection[str], wanted: RunFilter, limit: int
) -> tuple[list[WorkflowStatus], int | None]:
    """Return the newest `limit` runs that fit, and the row id below which the next page goes on; None after the last.

    `workflow_ids` narrows to these workflows; none given means all that the caller may read. `result` and `error` are
    left to the status of a single run: each would cost a statement per run. Runs whose ids the contract cannot carry
    are left out, so a page may be shorter. Blocks.
    """
    with create_session(scoped=False) as session:
        dags = _dags(session, caller, workflow_ids)
        if not dags:
            return [], None
        rows = session.execute(run_filter.page(_bounded(session, wanted), dags, limit + 1)).all()
        shown = rows[:limit]
        plain = [row for row in shown if names.are_plain(row.dag_id, row.run_id)]
        tasks = summaries.task_counts_of(session, plain)
        found = [summaries.summary(row, tasks, is_paused=dags[row.dag_id]) for row in plain]
        return found, shown[-1].id if len(rows) > limit else None


def _dags(session: Session, caller: Caller, workflow_ids: Collection[str]) -> dict[str, bool]:
    """Return the DAGs whose runs the caller may list, and whether each is paused; internal ones are left out."""
    known = select(DagModel.dag_id, DagModel.is_paused).where(~is_internal(DagModel.dag_id))
    if workflow_ids:
        named = [dag_id for dag_id in sorted(set(workflow_ids)) if caller.may_read(dag_id)]
        return {row.dag_id: bool(row.is_paused) for row in session.execute(known.where(DagModel.dag_id.in_(named)))}
    readable = caller.readable(session)
    shown = {dag_id for dag_id in readable if names.is_workflow_id(dag_id)}
    return {row.dag_id: bool(row.is_paused) for row in session.execute(known) if row.dag_id in shown}


def _bounded(session: Session, wanted: RunFilter) -> RunFilter:
    """Return the filter with its times turned into row ids, by which the walk begins and ends."""
    first = creation_time.first_id(session, wanted.created_after) if wanted.created_after else None
    ends = [
        creation_time.end_id(session, wanted.created_before) if wanted.created_before else None,
        wanted.end_id,
    ]
    return replace(wanted, first_id=first, end_id=min((end for end in ends if end is not None), default=None))
