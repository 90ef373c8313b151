"""What a row of `dag_run` and its task counts say of a run: all of its status but result and error."""

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.utils.state import DagRunState
from sqlalchemy import Row
from sqlalchemy.orm import Session

from tradewind_airflow.runs import run_states
from tradewind_airflow.runs.read import task_counts
from tradewind_airflow.runs.read.task_counts import TaskCounts
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType


def task_counts_of(session: Session, runs: Iterable[Row[Any]]) -> dict[int, TaskCounts]:
    """Return the task counts that `summary` needs, in one statement; a run that succeeded needs none."""
    return task_counts.counted(session, [run.id for run in runs if run.state != DagRunState.SUCCESS])


def summary(run: Row[Any], tasks: Mapping[int, TaskCounts], *, is_paused: bool) -> WorkflowStatus:
    """Return a run's status without `result` and `error`; `tasks` are counts by row id."""
    cancelled = run_states.is_cancelled(run.envelope, clear_number=run.clear_number, state=run.state)
    count = tasks.get(run.id, TaskCounts())
    status = run_states.run_status(
        run.state, is_paused=is_paused, is_cancelled=cancelled, is_waiting=bool(count.pending_input)
    )
    return WorkflowStatus(
        workflow_run_id=run.run_id,
        status=status,
        progress=1.0 if status is RunStatus.SUCCEEDED else count.progress,
        started_at=run.start_date,
        completed_at=run.end_date,
        workflow_id=run.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
    )
