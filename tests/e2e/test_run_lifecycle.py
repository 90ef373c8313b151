"""Every state of every DAG run is on `workflow-status`, whichever part dies."""

import time
from collections import Counter
from typing import Any

import httpx
import psutil
import pytest

from support.ingestion import until
from support.lifecycle import StatusReader
from support.whole_stack import EXAMPLE, WholeStack
from tradewind_contracts.topics import WORKFLOW_STATUS
from tradewind_contracts.workflows import RunStatus

pytestmark = pytest.mark.timeout(300)

MISSING = {
    "workflow_id": "recon_break_resolution",
    "workflow_type": "airflow",
    "parameters": {"our_blotter": "nobody/made-it.csv", "their_blotter": "nor/this.csv"},
}


@pytest.fixture(scope="module")
def topic(stack: WholeStack) -> StatusReader:
    return StatusReader(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], WORKFLOW_STATUS.name)


def is_told(topic: StatusReader, run_id: str, states: list[str], seconds: float = 60) -> None:
    until(lambda: topic.statuses(run_id)[run_id] == states or None, seconds)


def started(stack: WholeStack, body: dict[str, Any]) -> str:
    answer = stack.trigger(body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["workflow_run_id"])


def cleared(stack: WholeStack, dag_id: str, run_id: str) -> None:
    """Have a run done again, as an operator does."""
    base = stack.environment["AIRFLOW_BASE_URL"]
    login = {"username": "admin", "password": stack.environment["AIRFLOW_ADMIN_PASSWORD"]}
    token = httpx.post(f"{base}/auth/token", json=login).raise_for_status().json()["access_token"]
    path = f"{base}/api/v2/dags/{dag_id}/dagRuns/{run_id}/clear"
    headers = {"Authorization": f"Bearer {token}"}
    httpx.post(path, json={"dry_run": False}, headers=headers, timeout=30).raise_for_status()


def test_each_state_of_a_run_is_published_in_order(stack: WholeStack, topic: StatusReader) -> None:
    good, bad = started(stack, {**EXAMPLE, "parameters": {"message": "good"}}), started(stack, MISSING)
    assert stack.ended(good).status is RunStatus.SUCCEEDED
    assert stack.ended(bad).status is RunStatus.FAILED
    is_told(topic, good, ["queued", "running", "succeeded"])
    is_told(topic, bad, ["queued", "running", "failed"])


def test_a_cleared_run_is_published_again(stack: WholeStack, topic: StatusReader) -> None:
    run_id = started(stack, {**EXAMPLE, "parameters": {"message": "again"}})
    once = ["queued", "running", "succeeded"]
    is_told(topic, run_id, once)
    cleared(stack, "example_workflow", run_id)
    is_told(topic, run_id, once + once)


def test_a_triggerer_that_is_killed_loses_no_state(stack: WholeStack, topic: StatusReader) -> None:
    bodies = [{**EXAMPLE, "parameters": {"message": f"killed {n}"}} for n in range(6)]
    ids = [started(stack, body) for body in bodies[:3]]
    until(lambda: any(topic.statuses(*ids).values()), 60)
    stack.stack.kill("airflow-triggerer")
    ids += [started(stack, body) for body in bodies[3:]]
    for run_id in ids:
        assert stack.ended(run_id).status is RunStatus.SUCCEEDED
    for run_id in ids:
        is_told(topic, run_id, ["queued", "running", "succeeded"], 90)


def test_with_airflow_down_the_last_state_is_known(stack: WholeStack, topic: StatusReader) -> None:
    run_id = started(stack, {**EXAMPLE, "parameters": {"message": "remembered"}})
    stack.ended(run_id)
    is_told(topic, run_id, ["queued", "running", "succeeded"])
    stack.stack.stop_part("airflow-api-server")
    try:
        status = stack.wait(run_id, lambda found: found.stale, 30)
        assert status.status is RunStatus.SUCCEEDED
        assert status.completed_at
    finally:
        stack.stack.start_part("airflow-api-server")
        stack.stack.wait_ready("airflow-api-server", 180)


def test_internal_dags_are_neither_published_nor_listed(stack: WholeStack, topic: StatusReader) -> None:
    listed = {row["workflow_id"] for row in stack.api.get("/workflows").raise_for_status().json()}
    assert "workflow_lifecycle" not in listed
    found = Counter(event.workflow_id for event in topic.events())
    assert found["example_workflow"] > 0
    assert {name for name in found if name.startswith("workflow_")} == set()


def test_at_rest_it_costs_next_to_nothing(stack: WholeStack) -> None:
    pid = stack.stack.pid("airflow-triggerer")
    assert pid
    time.sleep(3)
    before = _cpu(pid)
    time.sleep(10)
    # All of the triggerer, with Airflow's own heartbeats, in seconds of CPU.
    assert _cpu(pid) - before < 1.5


def _cpu(pid: int) -> float:

    process = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in [process, *process.children(recursive=True)])
