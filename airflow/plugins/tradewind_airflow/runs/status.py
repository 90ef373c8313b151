"""Where a run is, as Airflow's tables say now."""

from collections.abc import Sequence
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from airflow.utils.state import State, TaskInstanceState
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import answers
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog, DagKey
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType

RESULT_TASK = "result"
"""A task with this id gives the run's result, unless the DAG's author marked another (`returns_dag_result`)."""

RETURN_VALUE = "return_value"
MAX_NAMED_FAILURES = 20


class UnknownRunError(LookupError):
    """No run that the caller may read has this id."""


class AmbiguousRunError(LookupError):
    """Several DAGs have a run with this id; the arguments are their ids."""


class StatusService:
    """Answers for runs. Its calls block, so they belong on a worker thread."""

    def __init__(self, workflows: Catalog) -> None:
        self._catalog = workflows

    def status(self, run_id: str, caller: Caller, workflow_id: str | None = None) -> WorkflowStatus:
        """Return where a run is; raise `UnknownRunError` or `AmbiguousRunError`."""
        with create_session(scoped=False) as session:
            readable = caller.readable(session)
            run = _one(_runs(session, run_id, readable & {workflow_id} if workflow_id else readable))
            return self._describe(session, run)

    def _describe(self, session: Session, run: Row[Any]) -> WorkflowStatus:
        status = answers.run_status(run.state, is_paused=bool(run.is_paused))
        return WorkflowStatus(
            workflow_run_id=run.run_id,
            status=status,
            progress=1.0 if status is RunStatus.SUCCEEDED else _progress(session, run),
            result=self._result(session, run) if status is RunStatus.SUCCEEDED else None,
            error=_failures(session, run) if status is RunStatus.FAILED else None,
            started_at=run.start_date,
            completed_at=run.end_date,
            workflow_id=run.dag_id,
            workflow_type=WorkflowType.AIRFLOW,
        )

    def _result(self, session: Session, run: Row[Any]) -> Any:
        values = session.execute(
            select(XComModel.task_id, XComModel.map_index, XComModel.value, XComModel.dag_result)
            .where(XComModel.dag_run_id == run.id, XComModel.key == RETURN_VALUE)
            .order_by(XComModel.task_id, XComModel.map_index)
        ).all()
        marked = [value for value in values if value.dag_result]
        return _value(marked or [value for value in values if value.task_id == self._result_task(session, run, values)])

    def _result_task(self, session: Session, run: Row[Any], values: Sequence[Row[Any]]) -> str | None:
        if any(value.task_id == RESULT_TASK for value in values):
            return RESULT_TASK
        leaves = self._leaves(session, run) if values else []
        return leaves[0] if len(leaves) == 1 else None

    def _leaves(self, session: Session, run: Row[Any]) -> list[str]:
        version = run.created_dag_version_id
        known = SerializedDagModel.dag_version_id == version
        dag_hash = session.scalar(select(SerializedDagModel.dag_hash).where(known))
        if dag_hash is None:
            return []
        tasks = self._catalog.dag(session, DagKey(version, dag_hash)).tasks
        return [task.task_id for task in tasks if not task.downstream_task_ids]


def _runs(session: Session, run_id: str, dag_ids: set[str]) -> Sequence[Row[Any]]:
    # See `existing`: the only index that knows run ids begins with the DAG's.
    query = select(
        DagRun.id,
        DagRun.dag_id,
        DagRun.run_id,
        DagRun.state,
        DagRun.start_date,
        DagRun.end_date,
        DagRun.created_dag_version_id,
        DagModel.is_paused,
    ).join(DagModel, DagModel.dag_id == DagRun.dag_id)
    return session.execute(query.where(DagRun.dag_id.in_(dag_ids), DagRun.run_id == run_id)).all()


def _one(runs: Sequence[Row[Any]]) -> Row[Any]:
    if not runs:
        raise UnknownRunError
    if len(runs) > 1:
        raise AmbiguousRunError(*sorted(run.dag_id for run in runs))
    return runs[0]


def _progress(session: Session, run: Row[Any]) -> float:
    counts = session.execute(
        select(TaskInstance.state, func.count())
        .where(TaskInstance.dag_id == run.dag_id, TaskInstance.run_id == run.run_id)
        .group_by(TaskInstance.state)
    ).all()
    total = sum(count for _, count in counts)
    finished = sum(count for state, count in counts if state in State.finished)
    return finished / total if total else 0.0


def _failures(session: Session, run: Row[Any]) -> str:
    failed = session.execute(
        select(TaskInstance.task_id, TaskInstance.map_index, TaskInstance.try_number)
        .where(
            TaskInstance.dag_id == run.dag_id,
            TaskInstance.run_id == run.run_id,
            TaskInstance.state == TaskInstanceState.FAILED,
        )
        .order_by(TaskInstance.task_id, TaskInstance.map_index)
        .limit(MAX_NAMED_FAILURES + 1)
    ).all()
    named = [f"{_task_name(task_id, index)} (try {number})" for task_id, index, number in failed[:MAX_NAMED_FAILURES]]
    more = ["and more"] if len(failed) > MAX_NAMED_FAILURES else []
    return f"failed tasks: {', '.join([*named, *more])}" if named else "the run was marked as failed"


def _task_name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


def _value(values: Sequence[Row[Any]]) -> Any:
    # As Airflow's own `wait` endpoint gives them: one value, or those of a mapped task as a list.
    if len(values) == 1 and values[0].map_index < 0:
        return values[0].value
    return [value.value for value in values] or None
