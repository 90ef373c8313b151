"""DAGs that go wrong on purpose, for `make test-alerts` alone."""

import os
import time
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, TriggerRule, task

HOLD = Path(os.environ["TRADEWIND_DATA_DIR"]) / "drill-hold"
"""As long as this file is there, the tasks of `drill_pool` go on."""

ONCE = {"retries": 0, "retry_delay": timedelta(seconds=1)}

with DAG("drill_fails", schedule=None, is_paused_upon_creation=False, default_args=ONCE):

    @task
    def fails() -> None:
        """Fail, and the run with it."""
        raise RuntimeError("as the drill asks")

    fails()

with DAG("drill_task_fails", schedule=None, is_paused_upon_creation=False, default_args=ONCE):

    @task
    def fails_alone() -> None:
        """Fail."""
        raise RuntimeError("as the drill asks")

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def goes_on() -> None:
        """Let the run succeed all the same."""

    fails_alone() >> goes_on()

with DAG("drill_pool", schedule=None, is_paused_upon_creation=False, default_args=ONCE):

    @task(pool="drill")
    def holds(number: int) -> int:
        """Hold the pool's one slot."""
        while HOLD.exists():
            time.sleep(0.5)
        return number

    holds.expand(number=[1, 2, 3])

with DAG("drill_held", schedule=None, is_paused_upon_creation=True, default_args=ONCE):

    @task
    def never() -> None:
        """Wait for somebody who unpauses the DAG."""

    never()
