"""A DAG whose runs only Airflow itself can make, for batches of both ways."""

from typing import Any

from airflow.sdk import DAG, task


@task
def work(value: int) -> Any:
    """Return what was given: these runs are made, not executed."""
    return value


with DAG("mapped", schedule=None):
    work.expand(value=[1, 2])
