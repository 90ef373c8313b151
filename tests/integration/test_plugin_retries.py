"""Retrying a run, and giving it another priority, in each of its states; nobody schedules anything here."""

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from support.steered_airflow import CONFLICT, SteeredAirflow, new, post


@pytest.fixture
def client(steered: SteeredAirflow) -> Iterator[httpx.Client]:
    """Who may make and change runs."""
    with steered.client() as signed_in:
        yield signed_in


def test_a_retry_clears_what_failed_and_what_waited(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.finish(new(client), "failed", first="success", second="failed", third="upstream_failed")
    answer = post(client, run_id, "retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert steered.tasks(run_id) == {"first": "success", "second": None, "third": None}
    row = steered.row(run_id)
    assert (row["state"], row["clear_number"], row["start_date"], row["end_date"]) == ("queued", 1, None, None)
    assert steered.audited(run_id, "retry") == [{"owner": "ingest", "scope": "failed", "cleared": 2}]


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_retry_of_all_clears_all(steered: SteeredAirflow, client: httpx.Client, state: str) -> None:
    run_id = steered.finish(new(client), state, first="success", second=state, third=state)
    assert post(client, run_id, "retry", scope="all").status_code == 202
    assert set(steered.tasks(run_id).values()) == {None}


def test_a_retry_of_what_failed_needs_a_failure(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.finish(new(client), "success", first="success", second="success", third="success")
    answer = post(client, run_id, "retry")
    assert (answer.status_code, answer.json()["type"]) == (409, CONFLICT)
    assert "scope `all`" in answer.json()["detail"]
    assert steered.row(run_id)["clear_number"] == 0


@pytest.mark.parametrize("state", ["queued", "held", "running"])
def test_a_run_that_has_not_ended_is_not_retried(steered: SteeredAirflow, client: httpx.Client, state: str) -> None:
    run_id = new(client, "command_paused" if state == "held" else "command_steps")
    if state == "running":
        steered.begin(run_id)
    answer = post(client, run_id, "retry", scope="all")
    assert (answer.status_code, answer.json()["type"]) == (409, CONFLICT)
    assert "has not ended" in answer.json()["detail"]


def test_a_cancelled_run_goes_on_where_it_was_left(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="success")
    assert post(client, run_id, "cancel").json()["status"] == "cancelled"
    assert post(client, run_id, "retry").json()["status"] == "queued"
    assert steered.tasks(run_id) == {"first": "success", "second": None, "third": None}
    assert post(client, run_id, "cancel").json()["status"] == "cancelled", "another go may be cancelled anew"
    assert len(steered.audited(run_id, "cancel")) == 2


def test_a_retry_makes_anew_what_a_teardown_has_removed(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client, "command_tidy")
    steered.finish(run_id, "failed", build="success", first="failed", second="upstream_failed", remove="success")
    assert post(client, run_id, "retry").status_code == 202
    assert steered.tasks(run_id) == {"build": None, "first": None, "second": None, "remove": None}


def test_a_key_names_one_retry(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.finish(new(client), "failed", first="failed")
    path, key = f"/workflows/{run_id}/retry", {"Idempotency-Key": '"again"'}
    made = client.post(path, json={}, headers=key)
    assert (made.status_code, "Idempotent-Replayed" in made.headers) == (202, False)
    steered.finish(run_id, "failed", first="failed")
    repeated = client.post(path, json={}, headers=key)
    assert (repeated.status_code, repeated.headers["Idempotent-Replayed"]) == (202, "true")
    assert steered.row(run_id)["clear_number"] == 1
    other = client.post(path, json={"scope": "all"}, headers=key)
    assert (other.status_code, other.json()["type"]) == (422, "urn:tradewind:problem:idempotency-conflict")
    assert client.post(path, json={}, headers={"Idempotency-Key": '"another"'}).status_code == 202
    assert steered.row(run_id)["clear_number"] == 2


def test_a_run_whose_dag_is_gone_is_not_retried(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.finish(new(client, "command_fails"), "failed", fails_at_first="failed")
    steered.rows("UPDATE dag SET is_stale = true WHERE dag_id = 'command_fails'")
    try:
        answer = post(client, run_id, "retry")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:tradewind:problem:workflow-unavailable")
    finally:
        steered.rows("UPDATE dag SET is_stale = false WHERE dag_id = 'command_fails'")
    assert steered.row(run_id)["clear_number"] == 0


@pytest.mark.parametrize("dag_id", ["command_steps", "command_paused"])
def test_a_run_that_waits_gets_another_priority(steered: SteeredAirflow, client: httpx.Client, dag_id: str) -> None:
    run_id = new(client, dag_id, priority=2)
    before = steered.row(run_id)["run_after"]
    assert post(client, run_id, "priority", priority=10).status_code == 202
    row = steered.row(run_id)
    assert row["conf"]["_tradewind"] == {"priority": 10, "asked_priority": 2}
    assert row["run_after"] <= before
    post(client, run_id, "priority", priority=2)
    assert abs(steered.row(run_id)["run_after"] - before) < timedelta(seconds=1)
    assert steered.audited(run_id, "priority") == [
        {"owner": "ingest", "priority": 10, "before": 2},
        {"owner": "ingest", "priority": 2, "before": 10},
    ]


def test_its_tasks_get_the_weight_if_their_rule_says_so(steered: SteeredAirflow, client: httpx.Client) -> None:
    weights = {}
    for dag_id in ("command_pooled", "command_paused"):
        run_id = new(client, dag_id, priority=1)
        post(client, run_id, "priority", priority=4)
        rows = steered.rows("SELECT priority_weight AS w FROM task_instance WHERE run_id = %s ORDER BY 1", run_id)
        weights[dag_id] = [row["w"] for row in rows]
    assert weights == {"command_pooled": [4_000_001], "command_paused": [1, 2]}


def test_a_retry_keeps_the_weight(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.finish(new(client, "command_pooled", priority=6), "failed", line_up="failed")
    assert post(client, run_id, "retry").status_code == 202
    (row,) = steered.rows("SELECT priority_weight FROM task_instance WHERE run_id = %s", run_id)
    assert row["priority_weight"] == 6_000_001


def test_the_same_priority_is_no_change(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client, priority=3))
    assert post(client, run_id, "priority", priority=3).status_code == 202
    assert steered.audited(run_id, "priority") == []


@pytest.mark.parametrize("state", ["running", "success", "failed"])
def test_a_run_that_has_begun_keeps_its_priority(steered: SteeredAirflow, client: httpx.Client, state: str) -> None:
    run_id = new(client)
    _ = steered.begin(run_id) if state == "running" else steered.finish(run_id, state)
    answer = post(client, run_id, "priority", priority=7)
    assert (answer.status_code, answer.json()["type"]) == (409, CONFLICT)
    assert f"no longer waiting ({state})" in answer.json()["detail"]


def test_a_trigger_sent_again_finds_its_run_after_a_change(client: httpx.Client) -> None:
    body = {"workflow_id": "command_steps", "workflow_type": "airflow", "parameters": {}, "priority": 2}
    key = {"Idempotency-Key": '"changed"'}
    run_id = client.post("/workflows/trigger", json=body, headers=key).json()["workflow_run_id"]
    assert post(client, run_id, "priority", priority=9).status_code == 202
    again = client.post("/workflows/trigger", json=body, headers=key)
    assert (again.status_code, again.json()["workflow_run_id"]) == (202, run_id)
