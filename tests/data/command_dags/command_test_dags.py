"""DAGs whose tasks wait for a word from the test, given as files in a folder: `<run id>.<word>`."""

import os
import time
from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, get_current_context, setup, task, teardown

from tradewind_airflow.weights import RunPriority

FOLDER = Path(os.environ["TRADEWIND_TEST_FOLDER"])


def note(word: str, text: str = "") -> None:
    """Leave a word for the test."""
    run_id = get_current_context()["dag_run"].run_id
    (FOLDER / f"{run_id}.{word}").write_text(text)


def wait_for(word: str) -> None:
    """Wait for the test's word."""
    path = FOLDER / f"{get_current_context()['dag_run'].run_id}.{word}"
    while not path.exists():
        time.sleep(0.1)


@task
def first() -> None:
    """Run until the test says `go`."""
    note("first", str(os.getpid()))
    wait_for("go")


@task
def second() -> str:
    """Run at once."""
    note("second")
    return "done"


@task
def arguments() -> list[dict[str, str]]:
    """Say, once it has run, how many tasks there are to be."""
    return [{}, {}, {}]


@task
def third() -> None:
    """Run at once."""


@task
def line_up() -> None:
    """Say when it ran."""
    with (FOLDER / "order").open("a") as order:
        order.write(f"{get_current_context()['dag_run'].run_id}\n")


@task(retries=3, retry_delay=timedelta(seconds=1))
def fails_at_first() -> None:
    """Fail until the test has mended it."""
    note("tried")
    path = FOLDER / f"{get_current_context()['dag_run'].run_id}.mended"
    if not path.exists():
        raise RuntimeError("not mended yet")


@setup
def build() -> None:
    """Make what is to be removed."""


@teardown
def remove() -> None:
    """Remove it."""
    note("removed")


with DAG("command_steps", schedule=None, is_paused_upon_creation=False):
    first() >> second() >> third()

with DAG("command_paused", schedule=None):
    second() >> third()

with DAG("command_tidy", schedule=None, is_paused_upon_creation=False):
    made = build()
    made >> first() >> second() >> remove().as_teardown(setups=made)

with DAG("command_mapped", schedule=None, is_paused_upon_creation=False, default_args={"weight_rule": RunPriority()}):
    first() >> second.override(task_id="each").expand_kwargs(arguments())

with DAG("command_fails", schedule=None, is_paused_upon_creation=False):
    fails_at_first.override(retries=0)() >> second()

with DAG("command_tries_again", schedule=None, is_paused_upon_creation=False):
    fails_at_first.override(retry_delay=timedelta(hours=1))() >> second()

with DAG("command_single_file", schedule=None, is_paused_upon_creation=False, max_active_runs=1):
    first() >> line_up()

with DAG(
    "command_pooled",
    schedule=None,
    is_paused_upon_creation=False,
    default_args={"pool": "one_slot", "weight_rule": RunPriority()},
):
    line_up()

with DAG("command_holds_the_slot", schedule=None, is_paused_upon_creation=False):
    first.override(pool="one_slot")()

with DAG("command_internal", schedule=None, tags=["tradewind-internal"]):
    second()
