"""The monitoring's parts on a stack with nothing but Kafka: they need nobody, and nobody needs them."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.stacks import own_stack
from tradewind_local.monitoring import tools
from tradewind_local.parts import ALL, MONITORING
from tradewind_local.stack import Stack

OWN_JOBS = {"airflow", "alertmanager", "blackbox", "kafka", "node", "prometheus", "statsd-exporter"}
"""Those that answer without Airflow, the facade and the agents."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A broker and the monitoring."""
    tools.ensure(tools.MODULE_OF)
    free = {f"TRADEWIND_{name.upper().replace('-', '_')}_PORT": "0" for name in MONITORING}
    with own_stack(**free) as stack:
        stack.up(("kafka",))
        assert [row.part for row in stack.status()] == list(ALL), "the monitoring is not shown before it was asked for"
        stack.up(MONITORING)
        yield stack


def url(stack: Stack, part: str) -> str:
    return next(row.url for row in stack.status() if row.part == part)


def ask(stack: Stack, path: str) -> Any:
    return httpx.get(f"{url(stack, 'prometheus')}/api/v1/{path}", trust_env=False, timeout=10).json()["data"]


def test_every_part_runs_and_is_scraped(stack: Stack) -> None:
    assert {row.part for row in stack.status() if row.pid} == {"kafka", *MONITORING}
    deadline = time.monotonic() + 60
    while (
        up := {t["labels"]["job"] for t in ask(stack, "targets")["activeTargets"] if t["health"] == "up"}
    ) < OWN_JOBS:
        assert time.monotonic() < deadline, f"only {up} are up"
        time.sleep(1)
    assert ask(stack, "rules")["groups"], "the rules are loaded"
    manager = httpx.get(f"{url(stack, 'alertmanager')}/api/v2/status", trust_env=False).json()
    assert "receiver: watchdog" in manager["config"]["original"]


def test_a_killed_part_comes_back_with_its_data(stack: Stack) -> None:
    before = ask(stack, "query?query=min_over_time(process_start_time_seconds{job='prometheus'}[1h])")["result"]
    stack.kill("prometheus")
    stack.wait_ready("prometheus")
    after = ask(stack, "query?query=min_over_time(process_start_time_seconds{job='prometheus'}[1h])")["result"]
    assert before[0]["value"][1] == after[0]["value"][1]
