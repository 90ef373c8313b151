"""A run's event stream, on a real Airflow and Postgres."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx
import psycopg
import pytest

from support.airflow_rows import CLEARED, answered, asked, ended, paused, started, task_ended
from support.airflow_server import AirflowServer
from support.event_stream import Sent, sent
from support.ingestion import until
from support.servers import temporary_home
from support.watching import made, status


class Stream:
    """A client of a run's events, on a thread of its own."""

    def __init__(self, client: httpx.Client, run_id: str, headers: dict[str, str] | None = None) -> None:
        self.got: list[Sent] = []
        self.ended = threading.Event()
        self._client, self._path, self._headers = client, f"/workflows/{run_id}/events", headers or {}
        self.response_headers: httpx.Headers | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # The test may close the client while this thread reads: `ended` is set by an orderly end alone.
        with (
            suppress(httpx.ReadError),
            self._client.stream("GET", self._path, headers=self._headers) as response,
        ):
            self.response_headers = response.headers
            self.got.extend([Sent(str(response.status_code))] if response.status_code != 200 else [])
            for one in sent(response):
                self.got.append(one)
            self.ended.set()

    def names(self) -> list[str]:
        return [one.event for one in self.got if one.event not in {"message", "comment"}]

    def until(self, *names: str, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while self.names() != list(names):
            assert time.monotonic() < deadline, (self.names(), names)
            time.sleep(0.02)


def test_a_stream_has_a_runs_events_until_its_end(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    with airflow_server.client("facade") as client:
        stream = Stream(client, run_id)
        stream.until("workflow.queued")
        started(airflow_server, run_id)
        stream.until("workflow.queued", "workflow.running")
        task_ended(airflow_server, run_id, "work")
        stream.until("workflow.queued", "workflow.running", "progress")
        ended(airflow_server, run_id)
        stream.until("workflow.queued", "workflow.running", "progress", "workflow.succeeded", "end")
        assert stream.ended.wait(5)
    assert stream.response_headers
    assert stream.response_headers["content-type"].startswith("text/event-stream")
    assert stream.response_headers["cache-control"] == "no-store"
    assert stream.response_headers["x-accel-buffering"] == "no"
    assert stream.got[0].retry == 2000
    events = [one for one in stream.got if one.event.startswith("workflow.")]
    assert [one.id for one in events] == [one.data["event_id"] for one in events]
    assert [one.data["payload"]["status"] for one in events] == ["queued", "running", "succeeded"]
    (progress,) = [one for one in stream.got if one.event == "progress"]
    assert (progress.id, progress.data) == (None, {"workflow_run_id": run_id, "progress": 0.2})


def test_a_stream_resumes_after_the_last_event_id(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id, "failed")
    whole = Stream(ingest, run_id)
    whole.until("workflow.queued", "workflow.running", "workflow.failed", "end")
    queued, running, failed = [one.id or "" for one in whole.got if one.id]
    for known, rest in (
        (queued, ["workflow.running", "workflow.failed", "end"]),
        (running, ["workflow.failed", "end"]),
    ):
        again = Stream(ingest, run_id, {"last-event-id": known})
        again.until(*rest)
    over = Stream(ingest, run_id, {"last-event-id": failed})
    over.until("204")
    airflow_server.rows(CLEARED, run_id)
    retried = Stream(ingest, run_id, {"last-event-id": failed})
    retried.until("workflow.queued")
    ended(airflow_server, run_id)
    retried.until("workflow.queued", "workflow.succeeded", "end")


def test_a_stream_of_a_run_that_is_deleted_ends(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    stream = Stream(ingest, run_id)
    stream.until("workflow.queued")
    airflow_server.rows("DELETE FROM dag_run WHERE run_id = %s", run_id)
    stream.until("workflow.queued", "end")


def test_a_stream_has_human_input_and_pauses(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    stream = Stream(ingest, run_id)
    told = ["workflow.queued"]
    steps: list[tuple[Callable[[], None], str]] = [
        (lambda: paused(airflow_server, "test_free", is_paused=True), "workflow.held"),
        (lambda: paused(airflow_server, "test_free", is_paused=False), "workflow.queued"),
        (lambda: started(airflow_server, run_id), "workflow.running"),
        (lambda: asked(airflow_server, run_id, "work"), "workflow.waiting"),
        (lambda: answered(airflow_server, run_id, "work"), "workflow.running"),
        (lambda: ended(airflow_server, run_id), "workflow.succeeded"),
    ]
    for step, event in steps:
        stream.until(*told)
        step()
        told.append(event)
    stream.until(*told, "end")


@pytest.mark.parametrize("path", ["status", "events"])
def test_who_may_not_read_the_run_learns_nothing(
    airflow_server: AirflowServer, ingest: httpx.Client, path: str
) -> None:
    run_id = made(ingest)
    assert ingest.get(f"/workflows/unheard-of/{path}").status_code == 404
    with airflow_server.client("stranger") as stranger, airflow_server.client(None) as nobody:
        assert stranger.get(f"/workflows/{run_id}/{path}").status_code == 403
        assert nobody.get(f"/workflows/{run_id}/{path}").status_code == 401


def token(server: AirflowServer, seconds: int) -> str:
    """A token of the viewer that is good for so long."""
    program = """
import sys
from airflow.api_fastapi.app import create_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
manager = create_auth_manager()
manager.init()
user = SimpleAuthManagerUser(username="facade", role="viewer")
print(manager.generate_jwt(user, expiration_time_in_seconds=int(sys.argv[1])))
"""
    command = [sys.executable, "-c", program, str(seconds)]
    done = subprocess.run(command, env=server.env, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def test_a_stream_ends_with_the_token_that_opened_it(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    short = token(airflow_server, 25)
    stream = Stream(ingest, run_id, {"authorization": f"Bearer {short}"})
    stream.until("workflow.queued")
    assert not stream.ended.wait(0.5)
    assert stream.ended.wait(30)
    assert stream.names() == ["workflow.queued"]


def test_a_server_that_is_stopped_does_not_wait_for_its_streams(airflow_server: AirflowServer) -> None:
    with temporary_home() as home:
        other = AirflowServer(home, airflow_server.database_url, airflow_server.dags)
        with other, other.client("ingest") as client:
            run_id = made(client)
            stream = Stream(client, run_id)
            stream.until("workflow.queued")
            waiting = threading.Thread(target=lambda: status(client, run_id, wait=60))
            waiting.start()
            begin = time.monotonic()
            other.stop()
            # Uvicorn would wait for them for `[api] worker_timeout`, two minutes.
            assert time.monotonic() - begin < 60
            assert stream.ended.wait(1)
            waiting.join(1)
            assert not waiting.is_alive()


def test_who_listens_stays_while_the_database_is_away(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    stream = Stream(ingest, run_id)
    stream.until("workflow.queued")
    name = airflow_server.rows("SELECT current_database() AS name")[0]["name"]
    admin_url = airflow_server.database_url.replace(f"/{name}", "/postgres", 1)
    with psycopg.connect(admin_url, autocommit=True) as database:
        database.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        time.sleep(2)
        assert status(ingest, run_id).status_code == 503
        database.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    started(airflow_server, run_id)
    ended(airflow_server, run_id)
    stream.until("workflow.queued", "workflow.running", "workflow.succeeded", "end", seconds=20)


def is_polling(server: AirflowServer) -> bool:
    """Whether the server queries its database without a request."""
    query = (
        "SELECT max(query_start) AS last FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    before = server.rows(query)
    time.sleep(1.5)
    return server.rows(query) != before


def test_without_clients_the_database_is_not_polled(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    with airflow_server.client("facade") as client:
        with client.stream("GET", f"/workflows/{run_id}/events") as response:
            # Kept in a variable: an unreferenced generator is closed, and the stream with it.
            events = sent(response)
            assert next(events).retry == 2000
            until(lambda: is_polling(airflow_server), 120)
        # The client left without closing: the second heartbeat detects it.
        until(lambda: not is_polling(airflow_server), 120)
        assert not is_polling(airflow_server)
