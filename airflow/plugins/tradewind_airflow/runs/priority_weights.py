"""The weights of a run's task instances, by the run's priority."""

from collections import defaultdict

from airflow.models.taskinstance import TaskInstance
from airflow.serialization.definitions.dag import SerializedDAG
from sqlalchemy import update
from sqlalchemy.orm import Session

from tradewind_airflow.runs import priorities
from tradewind_airflow.weights import RunPriority


def set_weights(session: Session, dag: SerializedDAG, run_id: str, priority: int) -> None:
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
