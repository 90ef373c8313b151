"""DAGs whose runs are marked, cleared, backfilled and paused by Airflow's own code, for the feed's tests."""

from datetime import UTC, datetime

from airflow.sdk import DAG, task


@task
def step() -> None:
    """Do nothing: these runs are created, not executed."""


with DAG("test_watched", schedule=None):
    step() >> step()

with DAG("test_backfilled", schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False):
    step()
