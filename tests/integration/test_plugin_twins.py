"""Nobody can tell a run that was made in bulk from one of Airflow's own API: not the scheduler, API, UI or commands.

Two runs of the same DAG, one of each kind, are taken through the same life; what Airflow tells of them is compared.
"""

import json
import shutil
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.airflow_home import ROOT
from support.executing_airflow import ExecutingAirflow, likeness
from support.migrated_database import migrated_database
from support.servers import temporary_home
from tradewind_local.postgres import PostgresServer

DAGS = {"twin_one": 1, "twin_five": 5}
"""DAG id -> how many tasks it has."""


@pytest.fixture(scope="module")
def airflow(postgres_server: PostgresServer) -> Iterator[ExecutingAirflow]:
    """All parts but the scheduler."""
    with temporary_home() as home:
        shutil.copytree(ROOT / "tests" / "data" / "twin_dags", home / "dags")
        server = ExecutingAirflow(home, migrated_database(postgres_server, "twins"), home / "dags")
        server.run("pools", "set", "twins", "2", "for one task at a time")
        with server.parsed(*DAGS), server:
            yield server


@pytest.fixture(scope="module")
def api(airflow: ExecutingAirflow) -> Iterator[httpx.Client]:
    """Airflow's own API, for the user who triggers."""
    headers = {"authorization": f"Bearer {airflow.token('admin')}"}
    with httpx.Client(base_url=airflow.url, headers=headers, timeout=60) as client:
        yield client


class Twins:
    """A run of each kind, of one DAG."""

    def __init__(self, airflow: ExecutingAirflow, api: httpx.Client, dag_id: str) -> None:
        self.airflow, self.api, self.dag_id = airflow, api, dag_id
        self.ours, self.airflows = f"ours-{dag_id}", f"airflows-{dag_id}"
        self.ids = (self.ours, self.airflows)

    def make(self) -> None:
        """By the plugin in bulk, and by Airflow with the same conf."""
        item = {"workflow_id": self.dag_id, "workflow_type": "airflow", "parameters": {"isin": "x"}}
        batch = {"items": [item | {"workflow_run_id": self.ours}]}
        made = self.api.post("/tradewind/workflows/trigger/batch", json=batch).json()
        assert made["items"][0]["outcome"] == "created", made
        conf = self.airflow.row(self.ours)["conf"]
        body = {"dag_run_id": self.airflows, "logical_date": None, "conf": conf}
        self.call("POST", f"/api/v2/dags/{self.dag_id}/dagRuns", json=body)

    def call(self, method: str, path: str, **more: Any) -> Any:
        """What Airflow answers."""
        answer = self.api.request(method, path, **more)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        lines = answer.text.splitlines() if "ndjson" in answer.headers.get("content-type", "") else [answer.text]
        return [json.loads(line) for line in lines if line]

    def each(self, method: str, path: str, **more: Any) -> None:
        """Do the same to both, by Airflow's own API."""
        for run_id in self.ids:
            self.call(method, f"/api/v2/dags/{self.dag_id}/dagRuns/{run_id}{path}", **more)

    def ended(self, state: str = "success") -> None:
        """Wait for both ends."""
        query, both = "SELECT state FROM dag_run WHERE run_id = ANY(%s)", [state] * 2
        self.airflow.wait(
            lambda: [row["state"] for row in self.airflow.rows(query, list(self.ids))] == both,
            f"{self.ids} {state}",
            180,
        )

    def assert_alike(self) -> None:
        """Compare all that Airflow tells of the two."""
        for what, ours, theirs in zip(self.views(self.ours), *map(self.told, self.ids), strict=True):
            assert ours == theirs, what

    def told(self, run_id: str) -> list[Any]:
        """What API and UI tell of a run, without what cannot be the same."""
        return [likeness(self.call("GET", path), run_id) for path in self.views(run_id)]

    def views(self, run_id: str) -> list[str]:
        """Where they tell it."""
        dag, run = f"{self.dag_id}", f"/api/v2/dags/{self.dag_id}/dagRuns/{run_id}"
        return [
            run,
            f"{run}/taskInstances",
            f"{run}/upstreamAssetEvents",
            f"/api/v2/eventLogs?run_id={run_id}&event=cli_task_run",
            f"/ui/grid/ti_summaries/{dag}?run_ids={run_id}",
            f"/ui/gantt/{dag}/{run_id}",
        ]

    def assert_rows_alike(self) -> None:
        """Compare the two in what lists all runs of the DAG: the grid, and Airflow's commands."""
        grid = {run["run_id"]: run for run in self.call("GET", f"/ui/grid/runs/{self.dag_id}")[0]}
        states_of = [["tasks", "states-for-dag-run", self.dag_id, run_id, "--output", "json"] for run_id in self.ids]
        state_of = [["dags", "state", self.dag_id, run_id] for run_id in self.ids]
        listed, *printed = self.airflow.told(
            ["dags", "list-runs", self.dag_id, "--output", "json"], *states_of, *state_of
        )
        rows = {row["run_id"]: row for row in json.loads(listed)}
        states = {run_id: json.loads(text) for run_id, text in zip(self.ids, printed[:2], strict=True)}
        said = {run_id: text.splitlines()[-1] for run_id, text in zip(self.ids, printed[2:], strict=True)}
        for told in (grid, rows, states, said):
            assert likeness(told[self.ours], self.ours) == likeness(told[self.airflows], self.airflows)
        assert len(states[self.ours]) == DAGS[self.dag_id]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("dag_id", DAGS)
def test_a_run_made_in_bulk_lives_as_airflows_own(airflow: ExecutingAirflow, api: httpx.Client, dag_id: str) -> None:
    twins = Twins(airflow, api, dag_id)
    twins.make()
    twins.assert_alike()
    with airflow.scheduler():
        twins.ended()
        twins.assert_alike()
        twins.assert_rows_alike()
        twins.each("POST", "/clear", json={"dry_run": False})
        twins.ended()
        assert {airflow.row(run_id)["clear_number"] for run_id in twins.ids} == {1}
        twins.assert_alike()
        airflow.run("backfill", "create", "--dag-id", dag_id, "--from-date", "2024-01-01", "--to-date", "2024-01-02")
        filled = "SELECT state FROM dag_run WHERE dag_id = %s AND run_type = 'backfill'"
        airflow.wait(lambda: [row["state"] for row in airflow.rows(filled, dag_id)] == ["success"] * 2, "backfill", 180)
    for state in ("failed", "success"):
        twins.each("PATCH", "", json={"state": state})
        assert {airflow.row(run_id)["state"] for run_id in twins.ids} == {state}
        twins.assert_alike()
    twins.assert_rows_alike()
    twins.each("DELETE", "")
    for run_id in twins.ids:
        assert not airflow.runs(run_id)
        assert not airflow.rows("SELECT id FROM task_instance WHERE run_id = %s", run_id)
