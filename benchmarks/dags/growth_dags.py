"""DAGs for the benchmark `growth`: of empty tasks, which the scheduler ends itself, and of one that a worker runs."""

from itertools import pairwise

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, task

PARAMS = {"message": Param("bench", type="string")}
# Airflow's default of 16 would bound a burst of one DAG's runs, and not the scheduler.
AT_ONCE = 1_000

for size in (1, 5):
    with DAG(f"grow_{size}", schedule=None, params=PARAMS, max_active_runs=AT_ONCE, max_active_tasks=AT_ONCE):
        tasks = [EmptyOperator(task_id=f"task_{number}") for number in range(size)]
        for before, after in pairwise(tasks):
            before >> after

with DAG("grow_task", schedule=None, params=PARAMS, max_active_runs=AT_ONCE, max_active_tasks=AT_ONCE):

    @task
    def work() -> str:
        """Return a little, as a task does."""
        return "done"

    work()
