"""DAGs of one, 50 and 500 tasks, for the benchmark `create`: their runs are made, not executed."""

from itertools import pairwise

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param

for size in (1, 50, 500):
    with DAG(f"tasks_{size}", schedule=None, params={"message": Param("bench", type="string")}):
        tasks = [EmptyOperator(task_id=f"task_{number}") for number in range(size)]
        for before, after in pairwise(tasks):
            before >> after
