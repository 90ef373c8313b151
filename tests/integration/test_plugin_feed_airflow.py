"""What Airflow itself does to a run reaches the change feed: marks, clears, pauses, backfills, deletion, by REST."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.airflow_rows import ended, started
from support.airflow_server import AirflowServer
from support.changes_reader import ChangesReader, made


@pytest.fixture
def admin(airflow_server: AirflowServer) -> Iterator[httpx.Client]:
    """Airflow's own REST API."""
    headers = {"authorization": f"Bearer {airflow_server.token('admin')}"}
    with httpx.Client(base_url=f"{airflow_server.url}/api/v2", headers=headers, timeout=60) as client:
        yield client


RUNS = "/dags/test_watched/dagRuns"


def call(client: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    answer = client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def mark(admin: httpx.Client, run_id: str, state: str) -> None:
    call(admin, "PATCH", f"{RUNS}/{run_id}", {"state": state})


def long_ago(server: AirflowServer, run_id: str) -> None:
    """Move the run's end into the past."""
    server.rows(
        "UPDATE dag_run SET end_date = end_date - interval '1 hour', updated_at = updated_at - interval '1 hour'"
        " WHERE run_id = %s",
        run_id,
    )


def test_a_queued_run_that_is_marked_by_hand(ingest: httpx.Client, admin: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    mark(admin, run_id, "success")
    assert reader.next(run_id)[-1] == "succeeded"


def test_each_mark_of_an_ended_run_is_an_event_of_its_own(
    airflow_server: AirflowServer, ingest: httpx.Client, admin: httpx.Client
) -> None:
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id)
    reader = ChangesReader(ingest)
    for state, status in (("failed", "failed"), ("success", "succeeded"), ("failed", "failed")):
        # `set_state` leaves the `end_date` of an ended run alone.
        long_ago(airflow_server, run_id)
        mark(admin, run_id, state)
        assert reader.next(run_id)[-1] == status
    assert reader.statuses(run_id)[-3:] == ["failed", "succeeded", "failed"]


def test_a_run_that_is_queued_again_by_hand(
    airflow_server: AirflowServer, ingest: httpx.Client, admin: httpx.Client
) -> None:
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id, "failed")
    reader = ChangesReader(ingest)
    reader.read()
    mark(admin, run_id, "queued")
    assert reader.next(run_id) == ["queued"]


def test_a_cleared_run(airflow_server: AirflowServer, ingest: httpx.Client, admin: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id, "failed")
    assert reader.next(run_id) == ["queued", "running", "failed"]
    call(admin, "POST", f"{RUNS}/{run_id}/clear", {"dry_run": False})
    assert reader.next(run_id) == ["queued"]
    started(airflow_server, run_id)
    assert reader.next(run_id) == ["running"]


def test_a_run_whose_task_is_cleared_while_it_runs(
    airflow_server: AirflowServer, ingest: httpx.Client, admin: httpx.Client
) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    started(airflow_server, run_id)
    reader.read()
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["step"], "only_failed": False}
    call(admin, "POST", "/dags/test_watched/clearTaskInstances", body)
    # Airflow stamps `queued_at` and goes on: it was never queued again.
    assert reader.next(run_id) == ["running"]


def test_a_deleted_run_is_forgotten(ingest: httpx.Client, admin: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    call(admin, "DELETE", f"{RUNS}/{run_id}")
    assert reader.next(run_id) == []
    (other,) = made(ingest)
    assert reader.next(other) == ["queued"]


def test_a_pause_by_airflow(ingest: httpx.Client, admin: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    call(admin, "PATCH", "/dags/test_watched", {"is_paused": True})
    try:
        assert reader.next(run_id) == ["held"]
    finally:
        call(admin, "PATCH", "/dags/test_watched", {"is_paused": False})


def test_a_backfill_and_its_cancel(airflow_server: AirflowServer, ingest: httpx.Client, admin: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    body = {"dag_id": "test_backfilled", "from_date": "2026-02-01T00:00:00Z", "to_date": "2026-02-03T00:00:00Z"}
    backfill = call(admin, "POST", "/backfills", body)
    # Since 3.2 its runs may be made after the answer.
    deadline = time.monotonic() + 20
    while len(reader.seen) < 3 and time.monotonic() < deadline:
        reader.read(wait=1)
    run_ids = [event["workflow_run_id"] for event in reader.seen.values()]
    assert len(run_ids) == 3
    call(admin, "PUT", f"/backfills/{backfill['id']}/cancel")
    # A bare UPDATE of the state, without an `end_date` (`routes/public/backfills.py`).
    assert [row["end_date"] for run_id in run_ids for row in airflow_server.runs(run_id)] == [None] * 3
    reader.read()
    assert [reader.statuses(run_id) for run_id in run_ids] == [["queued", "failed"]] * 3
