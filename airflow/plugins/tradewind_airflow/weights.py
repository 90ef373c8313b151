"""The weight rule that applies a run's priority to its tasks.

A DAG author sets it on tasks, or on all by `default_args={"weight_rule": RunPriority()}`. Scheduler, API server and DAG
processor find the class by the plugin, so the plugin has to be installed for all three.
"""

from typing import TYPE_CHECKING

from airflow.task.priority_strategy import PriorityWeightStrategy

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance


class RunPriority(PriorityWeightStrategy):
    """Tasks of a run with a higher priority start first; within a run, those with the higher `priority_weight`.

    A task's weight is its own, as with Airflow's rule `absolute`, plus the run's priority times `priorities.STEP`.
    """

    def __str__(self) -> str:
        """Return the path by which Airflow finds the class: all that it stores of a mapped task's rule (3.3.2)."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    def get_weight(self, ti: "TaskInstance") -> int:
        """Return the weight of a task instance, in any process of Airflow."""
        from tradewind_airflow.runs.priorities import weight  # noqa: PLC0415  # a task's process never gets here

        assert ti.task is not None  # noqa: S101  # Airflow sets it before the call
        return weight(ti.task.priority_weight, _priority(ti))


def _priority(ti: "TaskInstance") -> int:
    """Return the run's priority; 0 for a task instance without a run.

    When Airflow creates a run, it calls this before the task instance has a session (`TaskInstance.insert_mapping`);
    `create_runs` sets its weight then. Airflow calls it again to expand a mapped task and to clear a task.
    """
    from airflow.models.dagrun import DagRun  # noqa: PLC0415  # needs a database, which every caller of this has
    from sqlalchemy import select  # noqa: PLC0415  # as above
    from sqlalchemy.orm import object_session  # noqa: PLC0415  # as above

    from tradewind_airflow.runs.envelope import priority_of  # noqa: PLC0415  # as above

    session = object_session(ti)
    if session is None:
        return 0
    with session.no_autoflush:
        run = select(DagRun.conf).where(DagRun.dag_id == ti.dag_id, DagRun.run_id == ti.run_id)
        return priority_of(session.scalar(run))
