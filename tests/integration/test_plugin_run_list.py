"""Runs are listed newest first, by what was asked for, in pages that stay whole."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from support.airflow_server import AirflowServer
from support.servers import unique
from support.workflow_rows import CANCELLED, WorkflowRows
from tradewind_contracts.workflows import RunStatus

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
IN_AIRFLOW = set(RunStatus) - {RunStatus.TRIGGERED, RunStatus.REJECTED}


@pytest.fixture
def rows(airflow_server: AirflowServer) -> Iterator[WorkflowRows]:
    """A workflow that no other test uses, and whose runs no other test sees."""
    made = WorkflowRows(airflow_server, unique("listed"))
    yield made
    airflow_server.rows("DELETE FROM dag_run WHERE dag_id = %s", made.dag_id)


def page(client: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = client.get("/workflows/runs", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ids(client: httpx.Client, **query: Any) -> list[str]:
    return [run["workflow_run_id"] for run in page(client, **query)["runs"]]


def pages(client: httpx.Client, **query: Any) -> list[list[str]]:
    """All pages to the last, as run ids."""
    turned: list[list[str]] = []
    cursor: dict[str, str] = {}
    while True:
        found = page(client, **query, **cursor)
        turned.append([run["workflow_run_id"] for run in found["runs"]])
        if found["next_cursor"] is None:
            return turned
        cursor = {"cursor": found["next_cursor"]}


def test_pages_hold_each_run_once_newest_first(viewer: httpx.Client, rows: WorkflowRows) -> None:
    made = [rows.run() for _ in range(10)][::-1]
    assert pages(viewer, workflow_id=rows.dag_id, limit=4) == [made[:4], made[4:8], made[8:]]
    assert pages(viewer, workflow_id=rows.dag_id, limit=5) == [made[:5], made[5:]]
    assert pages(viewer, workflow_id=rows.dag_id) == [made]


def test_runs_that_come_in_between_move_nothing(viewer: httpx.Client, rows: WorkflowRows) -> None:
    made = [rows.run() for _ in range(6)][::-1]
    first = page(viewer, workflow_id=rows.dag_id, limit=3)
    rows.run()
    rows.server.rows("UPDATE dag_run SET run_after = now() + interval '1 day' WHERE run_id = %s", made[4])
    assert ids(viewer, workflow_id=rows.dag_id, limit=3, cursor=first["next_cursor"]) == made[3:]


def test_a_run_is_listed_with_its_status(viewer: httpx.Client, rows: WorkflowRows) -> None:
    for state in ("success", "failed", "running", "queued"):
        rows.run(state)
    for listed in page(viewer, workflow_id=rows.dag_id)["runs"]:
        told = viewer.get(f"/workflows/{listed['workflow_run_id']}/status").json()
        assert listed == {**told, "result": None, "error": None}


def test_each_status_finds_its_runs_and_no_others(
    airflow_server: AirflowServer, viewer: httpx.Client, rows: WorkflowRows
) -> None:
    paused = WorkflowRows(airflow_server, unique("listed"), is_paused=True)
    made = {
        RunStatus.QUEUED: rows.run("queued"),
        RunStatus.HELD: paused.run("queued"),
        RunStatus.RUNNING: rows.run("running"),
        RunStatus.WAITING: rows.run("running"),
        RunStatus.SUCCEEDED: rows.run("success"),
        RunStatus.FAILED: rows.run("failed"),
        RunStatus.CANCELLED: rows.run("failed", conf=CANCELLED),
    }
    rows.ask(made[RunStatus.WAITING])
    both = [rows.dag_id, paused.dag_id]
    assert made.keys() == IN_AIRFLOW
    for status, run_id in made.items():
        (listed,) = page(viewer, workflow_id=both, status=status)["runs"]
        assert (listed["workflow_run_id"], listed["status"]) == (run_id, status)
    assert ids(viewer, workflow_id=both, status=["triggered", "rejected"]) == []
    unfinished = [RunStatus.QUEUED, RunStatus.HELD, RunStatus.RUNNING, RunStatus.WAITING]
    assert set(ids(viewer, workflow_id=both, status=unfinished)) == {made[status] for status in unfinished}
    assert set(ids(viewer, workflow_id=both)) == set(made.values())


@pytest.mark.parametrize(
    "conf",
    [
        '{"_tradewind": {"cancel": {"clear_number": "x", "effective": []}}}',
        '{"_tradewind": {"cancel": 7}}',
        '{"_tradewind": null}',
        "[1]",
        '"text"',
    ],
)
def test_a_conf_that_somebody_else_wrote_hurts_no_list(viewer: httpx.Client, rows: WorkflowRows, conf: str) -> None:
    run_id = rows.run("failed", conf=conf)
    (listed,) = page(viewer, workflow_id=rows.dag_id)["runs"]
    assert (listed["workflow_run_id"], listed["status"]) == (run_id, "failed")
    assert page(viewer, workflow_id=rows.dag_id, status=["failed", "cancelled"])["runs"] == [listed]


def test_times_bound_the_list(viewer: httpx.Client, rows: WorkflowRows) -> None:
    days = [rows.run(created_at=datetime.now(UTC) + timedelta(days=day)) for day in range(5)]
    noon = [(datetime.now(UTC) + timedelta(days=day, hours=-12)).isoformat() for day in range(5)]
    of = {"workflow_id": rows.dag_id}
    assert ids(viewer, **of, created_after=noon[3]) == [days[4], days[3]]
    assert ids(viewer, **of, created_before=noon[2]) == [days[1], days[0]]
    assert ids(viewer, **of, created_after=noon[1], created_before=noon[2]) == [days[1]]
    assert pages(viewer, **of, created_after=noon[1], created_before=noon[4], limit=2) == [
        [days[3], days[2]],
        [days[1]],
    ]
    assert ids(viewer, **of, created_before=LONG_AGO.isoformat()) == []
    exact = rows.server.runs(days[2])[0]["created_at"].isoformat()
    assert ids(viewer, **of, created_after=exact, created_before=noon[3]) == [days[2]]
    assert days[2] not in ids(viewer, **of, created_before=exact)


def test_a_service_finds_what_became_of_its_key(ingest: httpx.Client, viewer: httpx.Client) -> None:
    body = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}
    key = unique("key")
    run_id = ingest.post("/workflows/trigger", json=body, headers={"Idempotency-Key": f'"{key}"'}).json()[
        "workflow_run_id"
    ]
    assert ids(ingest, workflow_id=["test_free", "test_typed"], idempotency_key=key) == [run_id]
    assert ids(ingest, workflow_id="test_typed", idempotency_key=key) == []
    # A key is its caller's: another one's is another run.
    assert ids(viewer, workflow_id="test_free", idempotency_key=key) == []


def test_internal_and_unknown_workflows_have_no_runs(airflow_server: AirflowServer, viewer: httpx.Client) -> None:
    airflow_server.rows(
        "INSERT INTO dag_run (dag_id, run_id, run_after, created_at, run_type, state, clear_number, span_status)"
        " VALUES ('test_internal', %s, now(), now(), 'manual', 'running', 0, '')",
        unique("internal"),
    )
    assert ids(viewer, workflow_id="test_internal") == []
    assert ids(viewer, workflow_id="nobody_knows_it") == []
    assert "test_internal" not in {run["workflow_id"] for run in page(viewer, limit=500)["runs"]}


def test_many_workflows_are_listed_as_few_are(airflow_server: AirflowServer, viewer: httpx.Client) -> None:
    many = [WorkflowRows(airflow_server, unique("listed")) for _ in range(25)]
    made = [one.run() for one in many * 2][::-1]
    assert pages(viewer, workflow_id=[one.dag_id for one in many], limit=20) == [made[:20], made[20:40], made[40:]]
    few = [one.dag_id for one in many[:20]]
    assert pages(viewer, workflow_id=few, limit=20) == [made[5:25], made[30:]]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"status": "paused"}, "status/0"),
        ({"workflow_id": "a b"}, "workflow_id/0"),
        ({"workflow_id": [f"w{n}" for n in range(101)]}, "workflow_id"),
        ({"created_after": "2026-01-01T00:00:00"}, "created_after"),
        ({"created_after": "0001-01-01T00:00:00Z"}, "created_after"),
        ({"created_before": "9999-12-31T23:59:59-14:00"}, "created_before"),
        ({"workflow": "test_free"}, "workflow"),
        ({"idempotency_key": "k"}, "workflow_id"),
        ({"idempotency_key": "k" * 201, "workflow_id": "test_free"}, "idempotency_key"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "MTotMQ"}, "cursor"),
        ({"cursor": "ü"}, "cursor"),
        ({"cursor": "M" * 33}, "cursor"),
    ],
)
def test_what_cannot_be_meant_is_refused(viewer: httpx.Client, query: dict[str, Any], where: str) -> None:
    answer = viewer.get("/workflows/runs", params=query)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"#/query/{where}"]
