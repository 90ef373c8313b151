"""Cancelling a run in each of its states, on a real API server and database; nobody schedules anything here."""

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


@pytest.mark.parametrize("mode", ["graceful", "force"])
@pytest.mark.parametrize("dag_id", ["command_steps", "command_paused", "command_tidy", "command_mapped"])
def test_a_run_that_waits_ends_at_once(steered: SteeredAirflow, client: httpx.Client, dag_id: str, mode: str) -> None:
    run_id = new(client, dag_id)
    answer = post(client, run_id, "cancel", mode=mode, reason="wrong file")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    row = steered.row(run_id)
    assert (row["state"], row["start_date"]) == ("failed", None)
    assert row["end_date"] >= row["queued_at"]
    assert set(steered.tasks(run_id).values()) == {"upstream_failed"}
    kept = row["conf"]["_tradewind"]["cancel"]
    assert (kept["mode"], kept["reason"], kept["by"], kept["effective"]) == (mode, "wrong file", "ingest", True)
    number = len(steered.tasks(run_id))
    assert steered.audited(run_id, "cancel") == [{"owner": "ingest", "mode": mode, "not_started": number, "ended": 0}]


def test_a_graceful_cancel_lets_what_runs_end(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="running")
    answer = post(client, run_id, "cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "running")
    assert steered.tasks(run_id) == {"first": "running", "second": "upstream_failed", "third": "upstream_failed"}
    assert steered.row(run_id)["end_date"] is None


def test_force_ends_it_also_after_a_graceful_cancel(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="running")
    assert post(client, run_id, "cancel").json()["status"] == "running"
    assert post(client, run_id, "cancel", mode="force").json()["status"] == "cancelled"
    assert steered.tasks(run_id) == {"first": "failed", "second": "upstream_failed", "third": "upstream_failed"}
    assert steered.row(run_id)["conf"]["_tradewind"]["cancel"]["mode"] == "force"
    assert [told["mode"] for told in steered.audited(run_id, "cancel")] == ["graceful", "force"]


@pytest.mark.parametrize("mode", ["graceful", "force"])
def test_the_same_cancel_again_changes_nothing(steered: SteeredAirflow, client: httpx.Client, mode: str) -> None:
    run_id = steered.begin(new(client), first="running")
    answers = [post(client, run_id, "cancel", mode=mode, reason=str(n)) for n in range(3)]
    assert {answer.status_code for answer in answers} == {202}
    assert len(steered.audited(run_id, "cancel")) == 1
    assert steered.row(run_id)["conf"]["_tradewind"]["cancel"]["reason"] == "0"


def test_a_graceful_cancel_again_ends_what_waits_for_another_try(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="running")
    assert post(client, run_id, "cancel").json()["status"] == "running"
    steered.set_task(run_id, "first", "up_for_retry")
    assert post(client, run_id, "cancel").json()["status"] == "cancelled"
    assert steered.tasks(run_id)["first"] == "failed"


def test_a_teardown_is_still_done(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client, "command_tidy"), build="success", first="running")
    assert post(client, run_id, "cancel", mode="force").json()["status"] == "running"
    assert steered.tasks(run_id) == {
        "build": "success",
        "first": "failed",
        "second": "upstream_failed",
        "remove": None,
    }
    assert steered.row(run_id)["state"] == "running"


def test_what_was_done_stays_done(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="success")
    before = steered.rows("SELECT * FROM task_instance WHERE run_id = %s AND task_id = 'first'", run_id)
    assert post(client, run_id, "cancel").json()["status"] == "cancelled"
    assert steered.rows("SELECT * FROM task_instance WHERE run_id = %s AND task_id = 'first'", run_id) == before


def test_ended_tasks_have_the_times_that_airflow_gives_them(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = steered.begin(new(client), first="running")
    post(client, run_id, "cancel", mode="force")
    for row in steered.rows("SELECT * FROM task_instance WHERE run_id = %s", run_id):
        assert row["start_date"] <= row["end_date"]
        assert row["duration"] == pytest.approx((row["end_date"] - row["start_date"]).total_seconds(), abs=1e-5)
        assert abs(row["updated_at"] - row["end_date"]) < timedelta(seconds=10)


@pytest.mark.parametrize("mode", ["graceful", "force"])
@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_run_that_has_ended_is_not_cancelled(
    steered: SteeredAirflow, client: httpx.Client, state: str, mode: str
) -> None:
    run_id = steered.finish(new(client), state, first=state, second=state, third=state)
    answer = post(client, run_id, "cancel", mode=mode)
    assert (answer.status_code, answer.json()["type"]) == (409, CONFLICT)
    assert f"has ended already ({state})" in answer.json()["detail"]
    assert steered.audited(run_id, "cancel") == []


def test_a_cancel_that_came_too_late_to_hinder_anything_does_not_name_the_run(
    steered: SteeredAirflow, client: httpx.Client
) -> None:
    run_id = steered.begin(new(client), first="success", second="success", third="running")
    assert post(client, run_id, "cancel").json()["status"] == "running"
    steered.finish(run_id, "success", third="success")
    assert client.get(f"/workflows/{run_id}/status").json()["status"] == "succeeded"
    assert post(client, run_id, "cancel").status_code == 202, "the same cancel, sent again"
    assert post(client, run_id, "cancel", mode="force").status_code == 409


def test_a_cancel_with_a_key_is_one_cancel_even_after_a_retry(steered: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client)
    path, key = f"/workflows/{run_id}/cancel", {"Idempotency-Key": '"once"'}
    made = client.post(path, json={}, headers=key)
    assert (made.json()["status"], "Idempotent-Replayed" in made.headers) == ("cancelled", False)
    assert post(client, run_id, "retry").status_code == 202
    again = client.post(path, json={}, headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.json()["status"]) == (202, "true", "queued")
    other = client.post(path, json={}, headers={"Idempotency-Key": '"another"'})
    assert other.json()["status"] == "cancelled"
    assert len(steered.audited(run_id, "cancel")) == 2
