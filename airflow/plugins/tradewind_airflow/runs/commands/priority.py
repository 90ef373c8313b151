"""Another priority for a run that waits: its place among the queued runs, and its tasks' weights."""

from collections import defaultdict

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from sqlalchemy import update
from sqlalchemy.orm import Session

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.commands.addressed import Address, addressed
from tradewind_airflow.runs.commands.refusals import RefusedError
from tradewind_airflow.runs.envelope import RunEnvelope
from tradewind_airflow.weights import RunPriority
from tradewind_contracts.problems import ProblemType


def set_priority(address: Address, wanted: int) -> None:
    """Give a run another priority; return when that is committed. Raises `RefusedError`."""
    with addressed(address) as target:
        envelope = target.envelope
        if is_done(wanted, envelope.priority, target.run.state):
            return
        target.keep(priority=wanted, asked_priority=asked(envelope))
        _move(target.run, wanted)
        dag = target.dag()
        if dag is not None:
            weigh(target.session, dag, target.run.run_id, wanted)
        target.audit("priority", priority=wanted, before=envelope.priority)


def is_done(wanted: int, present: int, run_state: str) -> bool:
    """Whether the run has this priority already; raise `RefusedError` where it cannot get another one."""
    if wanted == present:
        return True
    if run_state == DagRunState.QUEUED:
        return False
    detail = f"the run is no longer waiting ({run_state}): a priority is for runs that have not begun"
    raise RefusedError(ProblemType.STATE_CONFLICT, detail)


def asked(envelope: RunEnvelope) -> int:
    """Return what the trigger asked for, by which it is known when it is sent again."""
    return envelope.priority if envelope.asked_priority is None else envelope.asked_priority


def _move(run: DagRun, priority: int) -> None:
    # A run of a schedule, or one for later, has its time for a reason.
    if run.run_type == DagRunType.MANUAL and run.created_at and run.run_after <= run.created_at:
        run.run_after = priorities.run_after(run.created_at, priority)


def weigh(session: Session, dag: SerializedDAG, run_id: str, priority: int) -> None:
    """Give a run's task instances the weights of a priority, where `RunPriority` is their rule."""
    tasks: dict[int, list[str]] = defaultdict(list)
    for task in dag.task_dict.values():
        if isinstance(task.weight_rule, RunPriority):
            tasks[priorities.weight(task.priority_weight, priority)].append(task.task_id)
    for weight, task_ids in tasks.items():
        of_run = (TaskInstance.dag_id == dag.dag_id, TaskInstance.run_id == run_id)
        session.execute(
            update(TaskInstance).where(*of_run, TaskInstance.task_id.in_(task_ids)).values(priority_weight=weight)
        )
