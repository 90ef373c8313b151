"""An API server in which the plugin, or what it uses of Airflow, cannot be imported."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS
from support.airflow_variants import RefusingServer
from support.servers import new_database, temporary_home
from tradewind_contracts import run_ids
from tradewind_contracts.problems import Problem, ProblemType
from tradewind_local.postgres import PostgresServer

FREE: dict[str, Any] = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}

OF_OURS = 'return importer == "tradewind_airflow.web.statuses" and name.startswith("tradewind_airflow.runs")'
PRIVATE = """return name.startswith("airflow") and (
        any(part.startswith("_") for part in name.split(".")) or any(one.startswith("_") for one in names))"""

REASON = "ImportError: cannot import name 'gone' from 'airflow', asked postgresql://***@db/airflow"
MESSAGE = f"{REASON.removeprefix('ImportError: ').replace('***', 'airflow:the-password')}\nand a second line"


@contextmanager
def running(postgres_server: PostgresServer, rule: str, message: str) -> Iterator[RefusingServer]:
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        server = RefusingServer(home, new_database(postgres_server, "imports"), rule, message)
        server.run("db", "migrate")
        parse_dags(server)
        with server:
            yield server


def logged(server: RefusingServer, words: str) -> list[str]:
    """The lines of the server's log that hold the words."""
    return [line for line in (server.home / "api-server.log").read_text().splitlines() if words in line]


@pytest.fixture(scope="module")
def broken(postgres_server: PostgresServer) -> Iterator[RefusingServer]:
    """A server in which a module of the plugin cannot be imported."""
    with running(postgres_server, OF_OURS, MESSAGE) as server:
        yield server


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/workflows"), ("POST", "/workflows/trigger"), ("GET", "/nowhere"), ("GET", "/")]
)
def test_our_paths_answer_503_with_the_reason(broken: RefusingServer, method: str, path: str) -> None:
    with broken.client(None) as client:
        answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    problem = Problem.model_validate_json(answer.content)
    kind = ProblemType.ENGINE_UNAVAILABLE
    assert (problem.type, problem.title, problem.status) == (kind.uri, kind.title, kind.status)
    assert problem.detail == f"Tradewind's plugin cannot be loaded: {REASON}"


def test_airflow_works_without_the_plugin(broken: RefusingServer) -> None:
    headers = {"authorization": f"Bearer {broken.token('ingest')}"}
    with httpx.Client(base_url=broken.url, headers=headers, timeout=60) as airflow:
        body = {"dag_run_id": "by-airflow", "logical_date": None}
        assert airflow.post("/api/v2/dags/test_free/dagRuns", json=body).status_code == 200
        assert airflow.get("/api/v2/dags/test_free/dagRuns/by-airflow").json()["state"] == "queued"
        assert airflow.get("/api/v2/monitor/health").json()["metadatabase"]["status"] == "healthy"


def test_the_reason_is_logged_once_without_a_secret(broken: RefusingServer) -> None:
    (line,) = logged(broken, "Tradewind cannot be loaded")
    assert REASON in line
    assert "error" in line.lower().split("tradewind")[0]
    assert logged(broken, "the-password") == logged(broken, "and a second line") == []


@pytest.fixture(scope="module")
def newer(postgres_server: PostgresServer) -> Iterator[RefusingServer]:
    """A server whose Airflow has none of its private names for us, as a newer one may."""
    with running(postgres_server, PRIVATE, "it is gone") as server:
        yield server


def test_without_private_parts_of_airflow_runs_are_created_read_and_cancelled(newer: RefusingServer) -> None:
    items = [FREE | {"workflow_run_id": run_ids.new()} for _ in range(3)]
    with newer.client() as client:
        made = client.post("/workflows/trigger/batch", json={"items": [*items, items[0]]}).json()["items"]
        assert [result["outcome"] for result in made] == ["created"] * 3 + ["exists"]
        run_id = items[0]["workflow_run_id"]
        assert client.get(f"/workflows/{run_id}/status").json()["status"] == "queued"
        assert client.post(f"/workflows/{run_id}/cancel", json={}).json()["status"] == "cancelled"
        listed = client.get("/workflows/runs", params={"status": "queued"}).json()["runs"]
        assert {run["workflow_run_id"] for run in listed} == {item["workflow_run_id"] for item in items[1:]}
    events = newer.rows("SELECT event FROM log WHERE run_id = %s ORDER BY id", run_id)
    assert [row["event"] for row in events if row["event"].startswith("tradewind")] == [
        "tradewind_trigger",
        "tradewind_cancel",
    ]


def test_that_is_logged_once(newer: RefusingServer) -> None:
    (line,) = logged(newer, "create_dagrun")
    assert "slow: it is gone" in line
    assert "warning" in line.lower()
