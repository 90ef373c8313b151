"""No request reads `dag_run`, `task_instance` or `log` as a whole: each statement's plan, on a database with many runs.

Whoever adds a route adds its calls to `CALLS`.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS, AirflowServer
from support.many_runs import StatementLog, multiply
from support.migrated_database import migrated_database
from support.servers import temporary_home
from tradewind_airflow.web import page_cursors
from tradewind_local.postgres import PostgresServer

RUNS = 100_000
LARGE = {"dag_run", "task_instance", "log"}


@dataclass(frozen=True)
class Call:
    """One request; runs of `test_free` are "made", "failed", "done", and `many-1` to `many-100000`."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    least: int = 1
    """So many statements on the large tables at least: else the test would look at nothing."""


def item(run_id: str, workflow_id: str = "test_free", **more: Any) -> dict[str, Any]:
    return {
        "workflow_id": workflow_id,
        "workflow_type": "airflow",
        "parameters": {},
        "workflow_run_id": run_id,
        **more,
    }


def cursor(micros: int) -> str:
    """Where a reader of changes begins who wants what was stamped since then."""
    return f"1.{micros:x}..0........"


TRIGGER = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}
BATCH = "/workflows/trigger/batch"
LIST = "/workflows/runs"

CALLS = [
    Call("trigger", "POST", "/workflows/trigger", TRIGGER, status=202, least=2),
    Call(
        "trigger of Airflow's own way",
        "POST",
        "/workflows/trigger",
        {**TRIGGER, "workflow_id": "test_mapped"},
        status=202,
    ),
    Call("batch", "POST", BATCH, {"items": [item(f"new-{n}") for n in range(200)]}, least=2),
    Call("batch that is known", "POST", BATCH, {"items": [item(f"many-{n}") for n in range(1, 501)]}),
    Call("batch of both ways", "POST", BATCH, {"items": [item("a"), item("b", "test_mapped"), item("c", priority=5)]}),
    Call("status of a queued run", "GET", "/workflows/made/status"),
    Call("status of a run that failed", "GET", "/workflows/failed/status"),
    Call("status of a run that is done", "GET", "/workflows/done/status"),
    Call("status of an old run", "GET", "/workflows/many-99000/status"),
    Call("status within a workflow", "GET", "/workflows/many-7/status", query={"workflow_id": "test_free"}),
    Call("status of no run", "GET", "/workflows/unheard-of/status", status=404),
    Call("status that is waited for", "GET", "/workflows/made/status", query={"wait": 1}),
    Call("events of a run that is done", "GET", "/workflows/many-99001/events"),
    Call("changes from now", "GET", "/workflows/changes", least=0),
    Call("changes from the beginning", "GET", "/workflows/changes", query={"cursor": cursor(0)}),
    Call("changes that are waited for", "GET", "/workflows/changes", query={"cursor": cursor(2**53), "wait": 1}),
    Call("list", "GET", LIST),
    Call("list, deep", "GET", LIST, query={"cursor": page_cursors.encode(5000), "limit": 500}),
    Call("list of a workflow", "GET", LIST, query={"workflow_id": "test_free"}),
    Call("list of a workflow without runs", "GET", LIST, query={"workflow_id": "test_typed"}),
    Call("list of some workflows", "GET", LIST, query={"workflow_id": ["test_free", "test_typed", "test_mapped"]}),
    Call("list of the failed", "GET", LIST, query={"status": "failed"}),
    Call("list of the cancelled", "GET", LIST, query={"status": "cancelled"}),
    Call("list of the unfinished", "GET", LIST, query={"status": ["queued", "held", "running", "waiting"]}),
    Call("list by key", "GET", LIST, query={"workflow_id": "test_free", "idempotency_key": "a-key"}),
    Call("list of late", "GET", LIST, query={"created_after": "2020-01-01T00:00:00Z", "status": "failed"}),
    Call("list of long ago", "GET", LIST, query={"created_before": "2020-01-01T00:00:00Z"}),
    Call("another priority", "POST", "/workflows/made/priority", {"priority": 9}, status=202, least=3),
    Call("cancel", "POST", "/workflows/waits/cancel", {}, status=202, least=3),
    Call("cancel by force", "POST", "/workflows/waits-too/cancel", {"mode": "force"}, status=202, least=3),
    Call("retry of what failed", "POST", "/workflows/failed/retry", {}, status=202, least=3),
    Call("retry of all", "POST", "/workflows/done/retry", {"scope": "all"}, status=202, least=3),
]


@pytest.fixture(scope="module")
def airflow(postgres_server: PostgresServer) -> Iterator[AirflowServer]:
    """A server whose database has many runs."""
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        server = AirflowServer(home, migrated_database(postgres_server, "explain"), home / "dags")
        parse_dags(server)
        with server, server.client() as client:
            runs = {"items": [item("made"), item("failed"), item("done"), item("waits"), item("waits-too")]}
            assert client.post(BATCH, json=runs).status_code == 200
            _end(server, "failed", "failed")
            _end(server, "done", "success")
            multiply(server.database_url, "made", RUNS)
            yield server


def _end(server: AirflowServer, run_id: str, state: str) -> None:
    server.rows("UPDATE dag_run SET state = %s, start_date = now(), end_date = now() WHERE run_id = %s", state, run_id)
    server.rows("UPDATE task_instance SET state = %s WHERE run_id = %s", state, run_id)


@pytest.fixture(scope="module")
def statements(airflow: AirflowServer, postgres_server: PostgresServer) -> StatementLog:
    """What the server sends to its database."""
    return StatementLog(airflow.database_url, postgres_server.node.log_file)


@pytest.fixture(scope="module")
def client(airflow: AirflowServer) -> Iterator[httpx.Client]:
    """Who may do all."""
    with airflow.client("admin") as signed_in:
        yield signed_in


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_no_large_table_is_read_as_a_whole(client: httpx.Client, statements: StatementLog, call: Call) -> None:
    start = statements.position()
    answer = client.request(call.method, call.path, json=call.body, params=call.query)
    assert answer.status_code == call.status, answer.text
    sent = statements.since(start)
    assert sum(any(table in statement for table in LARGE) for statement in sent) >= call.least, sent
    for statement in sent:
        assert not statements.read_as_a_whole(statement) & LARGE, statement[:2000]


def test_a_long_page_costs_no_more_statements_than_a_short_one(client: httpx.Client, statements: StatementLog) -> None:
    sent = []
    for limit in (2, 500):
        start = statements.position()
        found = client.get(LIST, params={"limit": limit, "created_after": "2020-01-01T00:00:00Z"}).json()
        assert len(found["runs"]) == limit
        # A pooled connection is tried by a `SELECT 1` before it is used.
        sent.append(len([one for one in statements.since(start) if one != "SELECT 1"]))
    assert sent[0] == sent[1] <= 6


def test_the_server_really_read_none_of_them_as_a_whole(airflow: AirflowServer, client: httpx.Client) -> None:
    """As Postgres counts them: triggers, foreign keys and cursors included."""
    before = _scans(airflow)
    for call in CALLS:
        client.request(call.method, call.path, json=call.body, params=call.query)
    assert _scans(airflow) == before


def _scans(airflow: AirflowServer) -> dict[str, int]:
    """How often each was read as a whole; a connection tells of it when it ends, and the server opens new ones."""
    airflow.rows(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and len(_others(airflow)) > 0:
        time.sleep(0.05)
    query = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname = ANY(%s)"
    return {row["relname"]: row["seq_scan"] for row in airflow.rows(query, list(LARGE))}


def _others(airflow: AirflowServer) -> list[dict[str, Any]]:
    return airflow.rows(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )


def test_the_check_finds_full_scans(airflow: AirflowServer, statements: StatementLog) -> None:
    before, start = _scans(airflow), statements.position()
    airflow.rows("SELECT count(*) FROM dag_run WHERE conf::text LIKE %s", "%x%")
    (statement,) = (sent for sent in statements.since(start) if "LIKE" in sent)
    assert statements.read_as_a_whole(statement) == {"dag_run"}
    assert _scans(airflow)["dag_run"] > before["dag_run"]
