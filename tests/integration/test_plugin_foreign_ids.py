"""What Airflow takes and the contract cannot carry costs a list that entry, never the list."""

import json
from typing import Any

import httpx
import pytest

from support.airflow_server import AirflowServer
from support.servers import unique
from support.workflow_rows import WorkflowRows

LONGEST = 250
RUN_IDS = [
    "with a blank",
    "of two\nlines",
    "ends in a line feed\n",
    "größe",
    "a/b?c=d#e",
    "\u2028",
    "r" * LONGEST,
    "..",
    "%0A",
]
OUTSIDE = [run_id for run_id in RUN_IDS if run_id not in {"r" * LONGEST, ".."}]
DAG_IDS = ["größe", "prüfung\n", "日本", "with a blank"]


@pytest.fixture
def rows(airflow_server: AirflowServer) -> WorkflowRows:
    """A workflow that no other test uses; its rows stay: no other test may depend on them."""
    return WorkflowRows(airflow_server, unique("listed"))


def read(client: httpx.Client, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(client: httpx.Client, **query: Any) -> set[str]:
    """The ids of all runs, over all pages."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = read(client, "/workflows/runs", **query, **cursor)
        found += [run["workflow_run_id"] for run in page["runs"]]
        if page["next_cursor"] is None:
            return set(found)
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize("run_id", RUN_IDS)
def test_a_run_id_outside_of_the_contract_costs_that_run(viewer: httpx.Client, rows: WorkflowRows, run_id: str) -> None:
    cursor = read(viewer, "/workflows/changes")["cursor"]
    made = {rows.run(), rows.run("running", run_id=run_id), rows.run("queued")}
    expected = made - set(OUTSIDE)
    assert listed(viewer, workflow_id=rows.dag_id, limit=1) == expected
    assert listed(viewer, limit=500) >= expected
    changed = read(viewer, "/workflows/changes", cursor=cursor)["events"]
    assert {event["workflow_run_id"] for event in changed if event["workflow_id"] == rows.dag_id} == expected


def test_such_a_run_is_logged_once(airflow_server: AirflowServer, viewer: httpx.Client, rows: WorkflowRows) -> None:
    for run_id in OUTSIDE:
        rows.run(run_id=run_id)
    for _ in range(3):
        assert listed(viewer, workflow_id=rows.dag_id) == set()
    assert (airflow_server.home / "api-server.log").read_text().count(
        f"'{rows.dag_id}' has runs that are not listed"
    ) == 1


@pytest.mark.parametrize("name", DAG_IDS)
def test_a_dag_id_outside_of_the_contract_costs_that_dag(
    airflow_server: AirflowServer, viewer: httpx.Client, rows: WorkflowRows, name: str
) -> None:
    foreign = WorkflowRows(airflow_server, f"{unique('foreign')}{name}")
    foreign.serialize()
    cursor = read(viewer, "/workflows/changes")["cursor"]
    run_id, of_foreign = rows.run(), foreign.run()
    workflows = {workflow["workflow_id"] for workflow in read(viewer, "/workflows")}
    assert "test_free" in workflows
    assert foreign.dag_id not in workflows
    runs = listed(viewer, limit=500)
    assert run_id in runs
    assert of_foreign not in runs
    changed = {event["workflow_run_id"] for event in read(viewer, "/workflows/changes", cursor=cursor)["events"]}
    assert run_id in changed
    assert of_foreign not in changed
    for path in (f"/workflows/{of_foreign}/status", f"/workflows/{of_foreign}/events"):
        assert viewer.get(path).status_code == 404


@pytest.mark.parametrize(
    "damage",
    [
        {"timetable": {"__type": "a.plugin.that.this.server.Lacks", "__var": {}}},
        {"tasks": [{"__type": "operator", "__var": {"task_id": 7}}]},
        {"dag_id": None, "params": 7},
    ],
    ids=["timetable", "task", "params"],
)
def test_a_dag_that_cannot_be_read_costs_that_dag(
    airflow_server: AirflowServer, viewer: httpx.Client, ingest: httpx.Client, damage: dict[str, Any]
) -> None:
    dag_id = "test_changing"
    (before,) = airflow_server.rows("SELECT data FROM serialized_dag WHERE dag_id = %s", dag_id)
    damaged = {**before["data"], "dag": {**before["data"]["dag"], **damage}}
    try:
        store(airflow_server, dag_id, damaged)
        workflows = {workflow["workflow_id"] for workflow in read(viewer, "/workflows")}
        assert "test_free" in workflows
        assert dag_id not in workflows
        items = [{"workflow_id": name, "workflow_type": "airflow", "parameters": {}} for name in (dag_id, "test_free")]
        answer = ingest.post("/workflows/trigger/batch", json={"items": items})
        assert [item["outcome"] for item in answer.json()["items"]] == ["unavailable", "created"]
    finally:
        store(airflow_server, dag_id, before["data"])


def store(server: AirflowServer, dag_id: str, data: dict[str, Any]) -> None:
    """Put another serialized form, with a hash of its own, so that no cache knows it."""
    server.rows(
        "UPDATE serialized_dag SET data = %s::json, dag_hash = md5(%s || random()::text) WHERE dag_id = %s",
        json.dumps(data),
        dag_id,
        dag_id,
    )
