"""A run's status with ETag and long poll, on a real Airflow and Postgres."""

import threading
import time

import httpx

from support.airflow_rows import answered, asked, ended, paused, started, task_ended
from support.airflow_server import AirflowServer
from support.watching import made, soon, status


def test_the_etag_is_of_what_the_answer_says(
    airflow_server: AirflowServer, viewer: httpx.Client, ingest: httpx.Client
) -> None:
    run_id = made(ingest)
    first = status(viewer, run_id)
    assert first.headers["etag"] == status(ingest, run_id).headers["etag"]
    known = status(viewer, run_id, first.headers["etag"])
    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", first.headers["etag"])
    assert status(viewer, run_id, f'"other", W/{first.headers["etag"]}').status_code == 304
    started(airflow_server, run_id)
    running = status(viewer, run_id, first.headers["etag"])
    assert (running.status_code, running.json()["status"]) == (200, "running")
    task_ended(airflow_server, run_id, "work")
    assert status(viewer, run_id, running.headers["etag"]).json()["progress"] == 0.2


def test_a_long_poll_answers_when_the_state_changes(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id, begin = made(ingest), time.monotonic()
    with soon(lambda: started(airflow_server, run_id)):
        answer = status(ingest, run_id, wait=20)
    assert answer.json()["status"] == "running"
    assert 0.6 <= time.monotonic() - begin < 5


def test_a_long_poll_with_an_etag_answers_when_anything_changes(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    run_id = made(ingest)
    started(airflow_server, run_id)
    etag, begin = status(ingest, run_id).headers["etag"], time.monotonic()
    with soon(lambda: task_ended(airflow_server, run_id, "work")):
        answer = status(ingest, run_id, etag, wait=20)
    assert answer.json()["progress"] == 0.2
    assert time.monotonic() - begin < 5


def test_a_long_poll_ends_in_time(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id, begin = made(ingest), time.monotonic()
    assert status(ingest, run_id, status(ingest, run_id).headers["etag"], wait=0.5).status_code == 304
    assert status(ingest, run_id, wait=0.5).json()["status"] == "queued"
    assert 1 <= time.monotonic() - begin < 4
    ended(airflow_server, run_id)
    assert status(ingest, run_id, wait=60).json()["status"] == "succeeded"


def test_a_run_that_waits_for_a_person_says_so(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    started(airflow_server, run_id)
    with soon(lambda: asked(airflow_server, run_id, "work")):
        assert status(ingest, run_id, wait=20).json()["status"] == "waiting"
    with soon(lambda: answered(airflow_server, run_id, "work")):
        assert status(ingest, run_id, wait=20).json()["status"] == "running"


def test_a_run_of_a_paused_dag_is_held(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    with soon(lambda: paused(airflow_server, "test_free", is_paused=True)):
        assert status(ingest, run_id, wait=20).json()["status"] == "held"
    with soon(lambda: paused(airflow_server, "test_free", is_paused=False)):
        assert status(ingest, run_id, wait=20).json()["status"] == "queued"


def test_many_may_wait_and_none_holds_a_connection(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    answers: list[str] = []

    def wait() -> None:
        with airflow_server.client("facade") as client:
            answers.append(status(client, run_id, wait=20).json()["status"])

    threads = [threading.Thread(target=wait) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    begin = time.monotonic()
    assert ingest.get("/workflows").status_code == 200
    assert time.monotonic() - begin < 2
    used = airflow_server.rows(
        "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
    )
    assert used[0]["n"] < 5
    started(airflow_server, run_id)
    for thread in threads:
        thread.join(15)
    assert answers == ["running"] * 40
