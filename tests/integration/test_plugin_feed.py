"""`GET /tradewind/workflows/changes` on a real Airflow and Postgres: nothing is missed, nothing is invented."""

from typing import Any

import httpx
import psycopg

from support.airflow_rows import ended, started
from support.airflow_server import AirflowServer
from support.plugin_suite import FITTING
from tradewind_contracts import run_ids


class Reader:
    """Follows the changes as a client does; `seen` holds each event once, as its consumers keep it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.seen: dict[str, dict[str, Any]] = {}
        self.told = 0
        self.cursor = self._page()["cursor"]

    def _page(self, **query: Any) -> dict[str, Any]:
        answer = self.client.get("/workflows/changes", params=query)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        assert len(page["cursor"]) <= 200
        return page

    def read(self, wait: float = 0, limit: int = 500) -> list[dict[str, Any]]:
        page = self._page(cursor=self.cursor, wait=wait, limit=limit)
        self.cursor = page["cursor"]
        self.told += len(page["events"])
        new = [event for event in page["events"] if event["event_id"] not in self.seen]
        self.seen |= {event["event_id"]: event for event in new}
        return new

    def of(self, run_id: str) -> list[str]:
        return [event["payload"]["status"] for event in self.seen.values() if event["workflow_run_id"] == run_id]


def made(client: httpx.Client, workflow_id: str = "test_free", count: int = 1) -> list[str]:
    items = [
        {
            "workflow_id": workflow_id,
            "workflow_type": "airflow",
            "parameters": FITTING,
            "workflow_run_id": run_ids.new(),
        }
        for _ in range(count)
    ]
    results = client.post("/workflows/trigger/batch", json={"items": items}).json()["items"]
    assert {result["outcome"] for result in results} == {"created"}, results[0]
    return [result["workflow_run_id"] for result in results]


def test_without_a_cursor_it_begins_now(ingest: httpx.Client) -> None:
    (before,) = made(ingest)
    reader = Reader(ingest)
    (run_id,) = made(ingest)
    reader.read()
    assert reader.of(run_id) == ["queued"]
    assert reader.of(before) == []
    assert reader.read() == []
    assert reader.told == 1


def test_a_run_that_starts_and_ends_between_two_looks_shows_all_its_states(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    reader = Reader(ingest)
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id)
    reader.read()
    assert reader.of(run_id) == ["queued", "running", "succeeded"]
    assert reader.told == 3


def test_a_late_commit_is_told_however_long_it_took(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    late, early = made(ingest, count=2)
    reader = Reader(ingest)
    with psycopg.connect(airflow_server.database_url) as connection:
        connection.execute(
            "UPDATE dag_run SET state = 'running', start_date = now(), updated_at = now() WHERE run_id = %s", (late,)
        )
        started(airflow_server, early)
        assert reader.read()
        assert [reader.read(wait=0.3) for _ in range(3)] == [[], [], []]
    assert reader.of(late) == []
    reader.read()
    assert reader.of(late)[-1] == "running"


def test_what_is_rolled_back_is_never_told(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = Reader(ingest)
    with psycopg.connect(airflow_server.database_url) as connection:
        connection.execute("UPDATE dag_run SET state = 'failed', updated_at = now() WHERE run_id = %s", (run_id,))
        reader.read(wait=0.3)
        connection.rollback()
    reader.read(wait=0.3)
    assert reader.of(run_id) == []


def test_pages_of_rows_with_one_stamp_miss_none(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = Reader(ingest)
    run_ids_made = made(ingest, count=50)
    airflow_server.rows("UPDATE dag_run SET updated_at = now() WHERE run_id = ANY(%s)", run_ids_made)
    pages = 0
    while reader.read(limit=7):
        pages += 1
    assert pages == 8
    assert {event["workflow_run_id"] for event in reader.seen.values()} == set(run_ids_made)
    assert reader.told == 50
