"""The plugin on SQLite, as `airflow standalone` begins: each route answers, and a busy file is told of as busy."""

import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS
from support.airflow_variants import SqliteServer
from support.servers import temporary_home, unique
from tradewind_contracts import run_ids

FREE: dict[str, Any] = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}


@pytest.fixture(scope="module")
def server() -> Iterator[SqliteServer]:
    """A running server with the test DAGs."""
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        made = SqliteServer(home)
        made.run("db", "migrate")
        parse_dags(made)
        with made:
            yield made


@pytest.fixture
def client(server: SqliteServer) -> Iterator[httpx.Client]:
    """Who may trigger."""
    with server.client() as signed_in:
        yield signed_in


def batch(client: httpx.Client, *workflow_ids: str) -> list[str]:
    """Make runs; return their ids."""
    items = [FREE | {"workflow_id": workflow_id, "workflow_run_id": run_ids.new()} for workflow_id in workflow_ids]
    results = client.post("/workflows/trigger/batch", json={"items": items}).json()["items"]
    assert {result["outcome"] for result in results} == {"created"}
    return [item["workflow_run_id"] for item in items]


def test_a_trigger_makes_one_run_of_a_key(client: httpx.Client, server: SqliteServer) -> None:
    headers = {"Idempotency-Key": unique("key")}
    answers = [client.post("/workflows/trigger", json=FREE, headers=headers) for _ in range(3)]
    assert [(answer.status_code, answer.json()["deduplicated"]) for answer in answers] == [
        (202, False),
        (202, True),
        (202, True),
    ]
    assert len(server.runs(answers[0].json()["workflow_run_id"])) == 1


def test_runs_are_read_changed_and_listed(client: httpx.Client) -> None:
    cursor = client.get("/workflows/changes").json()["cursor"]
    plain, mapped, other = batch(client, "test_free", "test_mapped", "test_free")
    assert client.get(f"/workflows/{plain}/status").json()["status"] == "queued"
    assert client.post(f"/workflows/{plain}/priority", json={"priority": 4}).status_code == 202
    assert client.post(f"/workflows/{other}/cancel", json={}).json()["status"] == "cancelled"
    told = client.get("/workflows/changes", params={"cursor": cursor, "wait": 5}).json()["events"]
    assert {plain, mapped, other} <= {event["workflow_run_id"] for event in told}
    listed = [run["workflow_run_id"] for run in client.get("/workflows/runs").json()["runs"]]
    assert listed[:3] == [other, mapped, plain]
    for status, runs in {"cancelled": [other], "failed": [], "queued": [mapped, plain]}.items():
        found = client.get("/workflows/runs", params={"status": status, "limit": 3}).json()["runs"]
        assert [run["workflow_run_id"] for run in found][: len(runs)] == runs
        assert {run["status"] for run in found} <= {status}


def test_times_and_pages_bound_a_list(client: httpx.Client, server: SqliteServer) -> None:
    runs = batch(client, *["test_mapped"] * 5)
    for day, run_id in enumerate(runs):
        server.rows(
            "UPDATE dag_run SET created_at = %s WHERE run_id = %s", f"2099-01-0{day + 1} 00:00:00.000000", run_id
        )
    query: dict[str, Any] = {
        "workflow_id": ["test_mapped", "test_free"],
        "created_after": "2099-01-02T00:00:00Z",
        "limit": 2,
    }
    first = client.get("/workflows/runs", params=query).json()
    then = client.get("/workflows/runs", params=query | {"cursor": first["next_cursor"]}).json()
    assert [run["workflow_run_id"] for run in first["runs"] + then["runs"]] == runs[:0:-1]
    assert then["next_cursor"] is None
    query |= {"created_before": "2099-01-04T00:00:00Z"}
    assert [run["workflow_run_id"] for run in client.get("/workflows/runs", params=query).json()["runs"]] == runs[
        2:0:-1
    ]


def test_concurrent_callers_are_served_or_told_to_retry(server: SqliteServer, client: httpx.Client) -> None:
    ids = [run_ids.new() for _ in range(60)]
    asked = [FREE | {"workflow_run_id": run_id} for run_id in ids for _ in range(2)]

    def ask(items: list[dict[str, Any]]) -> httpx.Response:
        return client.post("/workflows/trigger/batch", json={"items": items})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [asked[n : n + 6] for n in range(0, len(asked), 6)]))
    for answer in answers:
        assert answer.status_code in {200, 503}, answer.text
        assert answer.status_code == 200 or answer.headers["retry-after"]
    results = ask([FREE | {"workflow_run_id": run_id} for run_id in ids]).json()["items"]
    assert {result["outcome"] for result in results} <= {"created", "exists"}
    made = Counter(row["run_id"] for row in server.rows("SELECT run_id FROM dag_run"))
    assert {made[run_id] for run_id in ids} == {1}


def test_a_file_that_somebody_else_writes_to_is_busy(server: SqliteServer, client: httpx.Client) -> None:
    with server.locked():
        answer = client.post("/workflows/trigger", json=FREE)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:tradewind:problem:engine-unavailable")
        assert answer.headers["retry-after"]
    assert client.post("/workflows/trigger", json=FREE).status_code == 202
