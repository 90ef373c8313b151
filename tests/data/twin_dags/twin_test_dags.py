"""DAGs whose runs are made in bulk and by Airflow's own API, then executed: the two must look alike at each step."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, get_current_context, setup, task, task_group, teardown

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC)
"""Days to backfill, and none to come."""


@task
def step() -> str:
    """Return something."""
    return "done"


@task(retries=2, retry_delay=timedelta(seconds=1), pool="twins", pool_slots=2, priority_weight=3)
def second_time() -> None:
    """Fail in the first try."""
    if get_current_context()["ti"].try_number % 3 == 1:
        raise RuntimeError("not the first time")


@setup
def begin() -> None:
    """Prepare."""


@teardown
def end() -> None:
    """Clean up."""


@task_group
def group() -> None:
    """Two tasks, as one."""
    step() >> second_time()


with DAG("twin_one", schedule="@daily", start_date=FIRST, end_date=LAST, catchup=False, is_paused_upon_creation=False):
    step()

with DAG("twin_five", schedule="@daily", start_date=FIRST, end_date=LAST, catchup=False, is_paused_upon_creation=False):
    first, last = begin(), end()
    first >> step() >> group() >> last
    first >> last
