"""Every state of every DAG run is on `workflow-status`, whichever part dies."""

import time
from collections import Counter
from typing import Any

import httpx
import psutil
import pytest

from support.facade_kafka import read_all
from support.ingestion import until
from support.whole_stack import EXAMPLE, WholeStack
from tradewind_contracts import records
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_contracts.topics import WORKFLOW_STATUS
from tradewind_contracts.workflows import RunStatus

pytestmark = pytest.mark.timeout(300)

MISSING = {
    "workflow_id": "recon_break_resolution",
    "workflow_type": "airflow",
    "parameters": {"our_blotter": "nobody/made-it.csv", "their_blotter": "nor/this.csv"},
}


def events(stack: WholeStack) -> list[WorkflowStatusChanged]:
    standing = read_all(stack.environment["KAFKA_BOOTSTRAP_SERVERS"], WORKFLOW_STATUS.name)
    found = [records.decode(one.value(), one.headers()).event for one in standing]
    return [event for event in found if isinstance(event, WorkflowStatusChanged)]


def told(stack: WholeStack, run_id: str) -> list[str]:
    """The states of a run as the topic tells them first."""
    first = {event.event_id: event for event in reversed(events(stack)) if event.workflow_run_id == run_id}
    return [event.payload.status.value for event in reversed(first.values())]


def is_told(stack: WholeStack, run_id: str, states: list[str], seconds: float = 60) -> None:
    until(lambda: told(stack, run_id) == states or None, seconds)


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


def test_each_state_of_a_run_is_told_in_order(stack: WholeStack) -> None:
    good, bad = started(stack, {**EXAMPLE, "parameters": {"message": "good"}}), started(stack, MISSING)
    assert stack.ended(good).status is RunStatus.SUCCEEDED
    assert stack.ended(bad).status is RunStatus.FAILED
    is_told(stack, good, ["queued", "running", "succeeded"])
    is_told(stack, bad, ["queued", "running", "failed"])


def test_a_cleared_run_is_told_of_again(stack: WholeStack) -> None:
    run_id = started(stack, {**EXAMPLE, "parameters": {"message": "again"}})
    once = ["queued", "running", "succeeded"]
    is_told(stack, run_id, once)
    cleared(stack, "example_workflow", run_id)
    is_told(stack, run_id, once + once)


def test_a_triggerer_that_is_killed_loses_no_state(stack: WholeStack) -> None:
    bodies = [{**EXAMPLE, "parameters": {"message": f"killed {n}"}} for n in range(6)]
    ids = [started(stack, body) for body in bodies[:3]]
    until(lambda: any(told(stack, run_id) for run_id in ids), 60)
    stack.stack.kill("airflow-triggerer")
    ids += [started(stack, body) for body in bodies[3:]]
    for run_id in ids:
        assert stack.ended(run_id).status is RunStatus.SUCCEEDED
    for run_id in ids:
        is_told(stack, run_id, ["queued", "running", "succeeded"], 90)


def test_with_airflow_down_the_last_state_is_known(stack: WholeStack) -> None:
    run_id = started(stack, {**EXAMPLE, "parameters": {"message": "remembered"}})
    stack.ended(run_id)
    is_told(stack, run_id, ["queued", "running", "succeeded"])
    stack.stack.stop_part("airflow-api-server")
    try:
        status = stack.wait(run_id, lambda found: found.stale, 30)
        assert status.status is RunStatus.SUCCEEDED
        assert status.completed_at
    finally:
        stack.stack.start_part("airflow-api-server")
        stack.stack.wait_ready("airflow-api-server", 90)


def test_our_own_dags_are_neither_told_of_nor_listed(stack: WholeStack) -> None:
    listed = {row["workflow_id"] for row in stack.api.get("/workflows").raise_for_status().json()}
    assert "workflow_lifecycle" not in listed
    found = Counter(event.workflow_id for event in events(stack))
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
