"""With FAB's roles for single DAGs, a caller triggers, sees and steers what its role names, and learns of no other."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.airflow_variants import FabServer
from tradewind_contracts import run_ids

MINE = "test_free"
UNKNOWN = "urn:tradewind:problem:unknown-run"
COMMANDS = {"cancel": {}, "retry": {}, "priority": {"priority": 3}}


@pytest.fixture
def desk(fab_server: FabServer) -> Iterator[httpx.Client]:
    """May read, trigger and change runs of one DAG."""
    with fab_server.client("desk") as client:
        yield client


@pytest.fixture
def auditor(fab_server: FabServer) -> Iterator[httpx.Client]:
    """May read runs of that DAG."""
    with fab_server.client("auditor") as client:
        yield client


def item(workflow_id: str, run_id: str | None = None) -> dict[str, Any]:
    return {
        "workflow_id": workflow_id,
        "workflow_type": "airflow",
        "parameters": {"isin": "US0378331005"} if workflow_id == "test_typed" else {},
        "workflow_run_id": run_id or run_ids.new(),
    }


def batch(client: httpx.Client, *items: dict[str, Any]) -> list[str]:
    answer = client.post("/workflows/trigger/batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    return [result["outcome"] for result in answer.json()["items"]]


@pytest.fixture(scope="module")
def others_run(fab_server: FabServer) -> str:
    """A run of a DAG that the desk may not see."""
    wanted = item("test_typed")
    with fab_server.client("ingest") as client:
        assert batch(client, wanted) == ["created"]
    return str(wanted["workflow_run_id"])


def test_a_batch_is_judged_item_by_item(desk: httpx.Client, fab_server: FabServer) -> None:
    wanted = [item(MINE), item("test_typed"), item(MINE), item("nobody_knows_it"), item("test_internal")]
    assert batch(desk, *wanted) == ["created", "forbidden", "created", "forbidden", "forbidden"]
    made = [bool(fab_server.runs(one["workflow_run_id"])) for one in wanted]
    assert made == [True, False, True, False, False]


def test_a_foreign_dags_run_id_reveals_nothing(desk: httpx.Client, others_run: str) -> None:
    assert batch(desk, item("test_typed", others_run)) == ["forbidden"]
    # The same id for a DAG of one's own is another run's: it says so and no more.
    answer = desk.post("/workflows/trigger/batch", json={"items": [item(MINE, others_run)]})
    assert "test_typed" not in answer.text


def test_a_single_trigger_needs_the_right_to_edit_the_dag(desk: httpx.Client, auditor: httpx.Client) -> None:
    body = {"workflow_id": MINE, "workflow_type": "airflow"}
    assert desk.post("/workflows/trigger", json=body).status_code == 202
    assert auditor.post("/workflows/trigger", json=body).status_code == 403
    assert desk.post("/workflows/trigger", json=body | {"workflow_id": "test_typed"}).status_code == 403


@pytest.mark.parametrize("user", ["desk", "auditor"])
def test_lists_show_the_one_dag_alone(fab_server: FabServer, others_run: str, user: str) -> None:
    with fab_server.client("desk") as client:
        batch(client, item(MINE))
    with fab_server.client(user) as client:
        assert [row["workflow_id"] for row in client.get("/workflows").json()] == [MINE]
        listed = client.get("/workflows/runs").json()["runs"]
        assert {run["workflow_id"] for run in listed} == {MINE}
        for workflow_ids in (["test_typed"], [MINE, "test_typed"]):
            found = client.get("/workflows/runs", params={"workflow_id": workflow_ids, "limit": 500}).json()["runs"]
            assert others_run not in {run["workflow_run_id"] for run in found}


@pytest.mark.parametrize("query", [{}, {"workflow_id": "test_typed"}, {"workflow_id": MINE}, {"dag_id": MINE}])
def test_another_dags_run_reads_as_one_that_never_was(
    desk: httpx.Client, others_run: str, query: dict[str, str]
) -> None:
    told = [answers(desk, run_id, query) for run_id in (others_run, "never-was")]
    assert {(answer.status_code, answer.json()["type"]) for answer in told[0]} == {(404, UNKNOWN)}
    assert [answer.text.replace(others_run, "never-was") for answer in told[0]] == [answer.text for answer in told[1]]


def answers(client: httpx.Client, run_id: str, query: dict[str, str]) -> list[httpx.Response]:
    """What a caller is told of a run, by each route that there is for one."""
    read = [client.get(f"/workflows/{run_id}/{path}", params=query) for path in ("status", "events")]
    steered = [client.post(f"/workflows/{run_id}/{path}", params=query, json=body) for path, body in COMMANDS.items()]
    return read + steered


def test_who_may_only_read_steers_nothing(desk: httpx.Client, auditor: httpx.Client) -> None:
    wanted = item(MINE)
    assert batch(desk, wanted) == ["created"]
    run_id = wanted["workflow_run_id"]
    assert auditor.get(f"/workflows/{run_id}/status").json()["status"] == "queued"
    for command, body in COMMANDS.items():
        answer = auditor.post(f"/workflows/{run_id}/{command}", json=body)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:tradewind:problem:forbidden")
    assert desk.post(f"/workflows/{run_id}/priority", json={"priority": 3}).status_code == 202


def test_only_the_readable_dags_changes_are_returned(desk: httpx.Client, fab_server: FabServer) -> None:
    cursor = desk.get("/workflows/changes").json()["cursor"]
    mine, theirs = item(MINE), item("test_typed")
    with fab_server.client("admin") as admin:
        assert batch(admin, mine, theirs) == ["created", "created"]
        everything = admin.get("/workflows/changes", params={"cursor": cursor}).json()
    page = desk.get("/workflows/changes", params={"cursor": cursor, "wait": 5}).json()
    both = {one["workflow_run_id"] for one in (mine, theirs)}
    assert both <= {event["workflow_run_id"] for event in everything["events"]}
    assert {event["workflow_id"] for event in page["events"]} == {MINE}
    assert mine["workflow_run_id"] in {event["workflow_run_id"] for event in page["events"]}
