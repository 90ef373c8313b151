"""The result of a run that succeeded, and which tasks of a run failed."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.state import TaskInstanceState
from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.dags import DagKey

RESULT_TASK = "result"
"""A task with this id gives the run's result, unless the DAG's author marked another (`returns_dag_result`)."""

RETURN_VALUE = "return_value"
MAX_NAMED_FAILURES = 20


def result(session: Session, dag_cache: DagCache, run: Row[Any]) -> Any:
    """Return the marked task's value, else that of the task `result`, else that of the only last task; else None."""
    values = session.execute(_values(), {"row_id": run.id}).all()
    marked = [value for value in values if value.dag_result]
    if marked or not values:
        return _value(marked)
    task = RESULT_TASK if any(value.task_id == RESULT_TASK for value in values) else _last(session, dag_cache, run)
    return _value([value for value in values if value.task_id == task])


@cache
def _values() -> Select[*tuple[Any, ...]]:
    return (
        select(XComModel.task_id, XComModel.map_index, XComModel.value, XComModel.dag_result)
        .where(XComModel.dag_run_id == bindparam("row_id"), XComModel.key == RETURN_VALUE)
        .order_by(XComModel.task_id, XComModel.map_index)
    )


def _last(session: Session, dag_cache: DagCache, run: Row[Any]) -> str | None:
    version = run.created_dag_version_id
    dag_hash = session.scalar(_hash(), {"version": version})
    if dag_hash is None:
        return None
    tasks = dag_cache.dag(session, DagKey(version, dag_hash)).tasks
    leaves = [task.task_id for task in tasks if not task.downstream_task_ids]
    return leaves[0] if len(leaves) == 1 else None


@cache
def _hash() -> Select[str]:
    return select(SerializedDagModel.dag_hash).where(SerializedDagModel.dag_version_id == bindparam("version"))


def _value(values: Sequence[Row[Any]]) -> Any:
    # As Airflow's own `wait` endpoint returns them: one value, or those of a mapped task as a list.
    if len(values) == 1 and values[0].map_index < 0:
        return values[0].value
    return [value.value for value in values] or None


def failures(session: Session, run: Row[Any]) -> str:
    """Return which tasks failed, and in which try."""
    named = {"dag_id": run.dag_id, "run_id": run.run_id}
    failed = session.execute(_failed(), named).all()
    names = [f"{_task_name(row.task_id, row.map_index)} (try {row.try_number})" for row in failed[:MAX_NAMED_FAILURES]]
    more = ["and more"] if len(failed) > MAX_NAMED_FAILURES else []
    return f"failed tasks: {', '.join([*names, *more])}" if names else "the run was marked as failed"


@cache
def _failed() -> Select[*tuple[Any, ...]]:
    return (
        select(TaskInstance.task_id, TaskInstance.map_index, TaskInstance.try_number)
        .where(
            TaskInstance.dag_id == bindparam("dag_id"),
            TaskInstance.run_id == bindparam("run_id"),
            TaskInstance.state == TaskInstanceState.FAILED,
        )
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(MAX_NAMED_FAILURES + 1)
    )


def _task_name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"
