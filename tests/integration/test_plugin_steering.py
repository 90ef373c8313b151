"""Commands and priorities with a real scheduler, and real workers: what stops, what goes on, and who goes first."""

import os
import time
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from support.steered_airflow import SteeredAirflow, new, post, steered_airflow, trigger
from tradewind_local.postgres import PostgresServer

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def scheduled(postgres_server: PostgresServer) -> Iterator[SteeredAirflow]:
    with steered_airflow(postgres_server) as server, server.scheduler():
        yield server


@pytest.fixture
def client(scheduled: SteeredAirflow) -> Iterator[httpx.Client]:
    """Who may make and change runs."""
    with scheduled.client() as signed_in:
        yield signed_in


def status(client: httpx.Client, run_id: str) -> str:
    return str(client.get(f"/workflows/{run_id}/status").json()["status"])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_after_a_graceful_cancel_the_running_task_ends_and_no_other_starts(
    scheduled: SteeredAirflow, client: httpx.Client
) -> None:
    run_id = new(client)
    scheduled.said(run_id, "first")
    assert post(client, run_id, "cancel").json()["status"] == "running"
    scheduled.say(run_id, "go")
    assert scheduled.wait_for_end(run_id) == "failed"
    assert status(client, run_id) == "cancelled"
    assert scheduled.tasks(run_id) == {"first": "success", "second": "upstream_failed", "third": "upstream_failed"}
    assert not scheduled.has_said(run_id, "second")


def test_a_forced_cancel_ends_the_tasks_process(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client)
    pid = int(scheduled.said(run_id, "first"))
    assert is_alive(pid)
    assert post(client, run_id, "cancel").json()["status"] == "running"
    assert post(client, run_id, "cancel", mode="force").json()["status"] == "cancelled"
    scheduled.wait(lambda: not is_alive(pid), f"end of process {pid}", 30)
    assert scheduled.tasks(run_id) == {"first": "failed", "second": "upstream_failed", "third": "upstream_failed"}
    assert not scheduled.has_said(run_id, "second")


def test_a_forced_cancel_leaves_the_teardown_its_work(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client, "command_tidy")
    scheduled.said(run_id, "first")
    assert post(client, run_id, "cancel", mode="force").status_code == 202
    assert scheduled.wait_for_end(run_id) == "failed"
    assert scheduled.has_said(run_id, "removed")
    assert scheduled.tasks(run_id)["remove"] == "success"
    assert status(client, run_id) == "cancelled"


def test_a_cancelled_run_goes_on_after_a_retry(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client)
    scheduled.said(run_id, "first")
    post(client, run_id, "cancel")
    scheduled.say(run_id, "go")
    scheduled.wait_for_end(run_id)
    assert post(client, run_id, "retry").json()["status"] in {"queued", "running"}
    scheduled.said(run_id, "second")
    assert scheduled.wait_for_end(run_id) == "success"
    assert status(client, run_id) == "succeeded"
    (first,) = scheduled.rows("SELECT try_number FROM task_instance WHERE run_id = %s AND task_id = 'first'", run_id)
    assert first["try_number"] == 1, "what was done is not done again"


def test_what_would_be_mapped_is_not_after_a_cancel_and_is_after_a_retry(
    scheduled: SteeredAirflow, client: httpx.Client
) -> None:
    run_id = new(client, "command_mapped", priority=4)
    scheduled.said(run_id, "first")
    post(client, run_id, "cancel")
    scheduled.say(run_id, "go")
    assert scheduled.wait_for_end(run_id) == "failed"
    assert not scheduled.has_said(run_id, "second")
    post(client, run_id, "retry")
    assert scheduled.wait_for_end(run_id) == "success"
    assert set(scheduled.tasks(run_id)) == {"first", "arguments", "each[0]", "each[1]", "each[2]"}
    weights = scheduled.rows("SELECT DISTINCT priority_weight AS w FROM task_instance WHERE run_id = %s", run_id)
    assert weights == [{"w": 4_000_001}], "those that the scheduler made as well"


def test_a_failed_run_succeeds_after_a_fix_and_a_retry(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client, "command_fails")
    assert scheduled.wait_for_end(run_id) == "failed"
    assert status(client, run_id) == "failed"
    scheduled.say(run_id, "mended")
    assert post(client, run_id, "retry").status_code == 202
    assert scheduled.wait_for_end(run_id) == "success"
    assert scheduled.tasks(run_id) == {"fails_at_first": "success", "second": "success"}


def test_a_run_between_two_tries_ends_at_once(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    run_id = new(client, "command_tries_again")
    scheduled.wait(lambda: scheduled.tasks(run_id)["fails_at_first"] == "up_for_retry", "first try")
    assert post(client, run_id, "cancel").json()["status"] == "cancelled"
    scheduled.say(run_id, "mended")
    assert post(client, run_id, "retry").status_code == 202
    assert scheduled.wait_for_end(run_id) == "success"


def test_cancels_while_the_scheduler_ends_runs_agree_with_it(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    """Each run has ended as one or the other, and its answer says as which."""
    for number in range(6):
        run_id = new(client)
        scheduled.say(run_id, "go")
        scheduled.said(run_id, "second" if number % 2 else "first")
        time.sleep(number / 10)
        answer = post(client, run_id, "cancel")
        assert answer.status_code in {202, 409}, answer.text
        state = scheduled.wait_for_end(run_id)
        tasks = set(scheduled.tasks(run_id).values())
        assert (state, tasks <= {"success"}) in {("success", True), ("failed", False)}
        assert status(client, run_id) == {"success": "succeeded", "failed": "cancelled"}[state]


def test_the_queue_of_a_dag_goes_by_priority(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    holder = new(client, "command_single_file")
    scheduled.said(holder, "first")
    given = {"low": 1, "none": 0, "high": 10, "middle": 5, "raised": 0}
    runs = {name: trigger(client, "command_single_file", f"line-{name}", number) for name, number in given.items()}
    for run_id in runs.values():
        scheduled.say(run_id, "go")
    assert post(client, runs["raised"], "priority", priority=8).status_code == 202
    scheduled.say(holder, "go")
    order = [*(runs[name] for name in ("high", "raised", "middle", "low", "none"))]
    for run_id in order:
        assert scheduled.wait_for_end(run_id) == "success"
    assert read_order(scheduled)[-5:] == order


def test_tasks_that_wait_for_a_pool_go_by_their_runs_priority(scheduled: SteeredAirflow, client: httpx.Client) -> None:
    holder = new(client, "command_holds_the_slot")
    scheduled.said(holder, "first")
    given = {"low": 1, "none": 0, "high": 10, "middle": 5}
    runs = {name: trigger(client, "command_pooled", f"pool-{name}", number) for name, number in given.items()}
    for run_id in runs.values():
        scheduled.wait(partial(waits, scheduled, run_id), "task that waits")
    scheduled.say(holder, "go")
    order = [runs[name] for name in ("high", "middle", "low", "none")]
    for run_id in order:
        assert scheduled.wait_for_end(run_id) == "success"
    assert read_order(scheduled)[-4:] == order


def waits(scheduled: SteeredAirflow, run_id: str) -> bool:
    return scheduled.tasks(run_id)["line_up"] == "scheduled"


def read_order(scheduled: SteeredAirflow) -> list[str]:
    return (scheduled.folder / "order").read_text().split()
