"""Who may command which runs, and what commands at the same time do to one."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psycopg
import pytest

from support.steered_airflow import CONFLICT, SteeredAirflow, new, post

WAITING = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture
def client(steered: SteeredAirflow) -> Iterator[httpx.Client]:
    """Who may make and change runs."""
    with steered.client() as signed_in:
        yield signed_in


COMMANDS = [("cancel", {}), ("retry", {"scope": "all"}), ("priority", {"priority": 1})]


@pytest.mark.parametrize(("command", "body"), COMMANDS)
def test_who_may_only_read_changes_nothing(
    steered: SteeredAirflow, client: httpx.Client, command: str, body: dict[str, Any]
) -> None:
    run_id = new(client)
    before = steered.row(run_id)
    with steered.client("facade") as viewer:
        answer = post(viewer, run_id, command, **body)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:tradewind:problem:forbidden")
    assert steered.row(run_id) == before


@pytest.fixture
def internal(steered: SteeredAirflow) -> str:
    """The id of a run of one of Tradewind's own DAGs."""
    steered.rows(
        "INSERT INTO dag_run (dag_id, run_id, state, run_type, run_after, clear_number, conf)"
        " VALUES ('command_internal', 'internal', 'queued', 'manual', now(), 0, '{}')"
        " ON CONFLICT DO NOTHING"
    )
    return "internal"


@pytest.mark.parametrize(("command", "body"), COMMANDS)
def test_a_run_that_is_not_there_or_is_tradewinds_own_is_unknown(
    client: httpx.Client, internal: str, command: str, body: dict[str, Any]
) -> None:
    for run_id in (internal, "unheard-of"):
        answer = post(client, run_id, command, **body)
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:tradewind:problem:unknown-run")


@pytest.mark.parametrize("reading", ["status", "events"])
def test_it_is_unknown_to_readers_by_the_same_rule(client: httpx.Client, internal: str, reading: str) -> None:
    details = set()
    for run_id in (internal, "unheard-of"):
        answer = client.get(f"/workflows/{run_id}/{reading}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:tradewind:problem:unknown-run")
        details.add(answer.json()["detail"].replace(run_id, "..."))
    assert len(details) == 1


def test_a_run_of_several_dags_needs_the_dag(steered: SteeredAirflow, client: httpx.Client) -> None:
    for dag_id in ("command_steps", "command_paused"):
        trigger_as_airflow(steered, dag_id, "same")
    answer = post(client, "same", "cancel")
    assert (answer.status_code, answer.json()["type"]) == (409, CONFLICT)
    assert "command_paused, command_steps" in answer.json()["detail"]
    chosen = client.post("/workflows/same/cancel", params={"workflow_id": "command_paused"}, json={})
    assert (chosen.status_code, chosen.json()["workflow_id"]) == (202, "command_paused")
    states = {row["dag_id"]: row["state"] for row in steered.runs("same")}
    assert states == {"command_steps": "queued", "command_paused": "failed"}


def trigger_as_airflow(steered: SteeredAirflow, dag_id: str, run_id: str) -> None:
    headers = {"authorization": f"Bearer {steered.token('ingest')}"}
    body = {"dag_run_id": run_id, "logical_date": None}
    httpx.post(f"{steered.url}/api/v2/dags/{dag_id}/dagRuns", json=body, headers=headers).raise_for_status()


def test_a_run_that_tradewind_did_not_make_is_steered_as_any_other(
    steered: SteeredAirflow, client: httpx.Client
) -> None:
    trigger_as_airflow(steered, "command_pooled", "airflows")
    assert post(client, "airflows", "priority", priority=8).status_code == 202
    (row,) = steered.rows("SELECT priority_weight FROM task_instance WHERE run_id = 'airflows'")
    assert row["priority_weight"] == 8_000_001
    assert post(client, "airflows", "cancel").json()["status"] == "cancelled"
    assert post(client, "airflows", "retry").json()["status"] == "queued"


@pytest.mark.parametrize(
    ("command", "body"),
    [
        ("cancel", {"mode": "softly"}),
        ("cancel", {"reason": "x" * 1001}),
        ("cancel", {"why": "?"}),
        ("retry", {"scope": "some"}),
        ("priority", {}),
        ("priority", {"priority": 11}),
        ("priority", {"priority": "high"}),
    ],
)
def test_a_command_that_does_not_fit_is_refused(client: httpx.Client, command: str, body: dict[str, Any]) -> None:
    answer = post(client, "unheard-of", command, **body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:tradewind:problem:invalid-request")


def at_once(*requests: Any) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(requests)) as pool:
        return [future.result() for future in [pool.submit(request) for request in requests]]


def test_two_cancels_at_once_are_one(steered: SteeredAirflow, client: httpx.Client) -> None:
    for _ in range(5):
        run_id = steered.begin(new(client), first="running")
        answers = at_once(*[lambda run_id=run_id: post(client, run_id, "cancel")] * 4)
        assert [answer.status_code for answer in answers] == [202] * 4
        assert len(steered.audited(run_id, "cancel")) == 1


@pytest.mark.parametrize(("headers", "expected"), [({}, [202, 409, 409, 409]), ({"Idempotency-Key": '"k"'}, [202] * 4)])
def test_retries_at_once_are_one_clear(
    steered: SteeredAirflow, client: httpx.Client, headers: dict[str, str], expected: list[int]
) -> None:
    for _ in range(3):
        run_id = steered.finish(new(client), "failed", first="failed")
        path = f"/workflows/{run_id}/retry"
        answers = at_once(*[lambda path=path: client.post(path, json={}, headers=headers)] * 4)
        assert sorted(answer.status_code for answer in answers) == expected
        assert steered.row(run_id)["clear_number"] == 1


def test_a_cancel_waits_for_the_scheduler_and_sees_what_it_did(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="success", second="success", third="success")
    with psycopg.connect(steered.database_url) as scheduler:
        scheduler.execute("SELECT id FROM dag_run WHERE run_id = %s FOR NO KEY UPDATE", [run_id])
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(post, client, run_id, "cancel", mode="force")
            waiting = (
                "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%dag_run%%'"
            )
            steered.wait(lambda: steered.rows(waiting)[0]["n"], "waiting command", 20)
            scheduler.execute("UPDATE dag_run SET state = 'success', end_date = now() WHERE run_id = %s", [run_id])
            scheduler.commit()
            answer = cancelling.result()
    assert answer.status_code == 409
    assert steered.row(run_id)["state"] == "success"


def test_a_cancel_sees_that_a_worker_has_just_begun_a_task(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="queued")
    with psycopg.connect(steered.database_url) as worker:
        worker.execute("UPDATE task_instance SET state = 'running' WHERE run_id = %s AND task_id = 'first'", [run_id])
        with ThreadPoolExecutor(1) as pool:
            cancelling = pool.submit(post, client, run_id, "cancel")
            steered.wait(lambda: steered.rows(WAITING)[0]["n"], "waiting command", 20)
            worker.commit()
            assert cancelling.result().json()["status"] == "running"
    assert steered.tasks(run_id)["first"] == "running", "it may end"


def test_a_scheduler_that_never_lets_go_is_a_503(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client)
    with psycopg.connect(steered.database_url) as scheduler:
        scheduler.execute("SELECT id FROM dag_run WHERE run_id = %s FOR NO KEY UPDATE", [run_id])
        answer = post(client, run_id, "cancel")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:tradewind:problem:engine-unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert steered.row(run_id)["state"] == "queued"
