"""What callers of the running project do: trigger by either door, look, count; what was refused is asked again."""

import json
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from support.compose.engine import EngineError
from support.compose.project import Project
from tradewind_contracts.workflows import RunStatus, WorkflowStatus
from tradewind_local.demo.client import DemoClient
from tradewind_local.demo.runs import JUDGED_AT, SAMPLES, DemoRun, demo_runs

COUNTS = {
    "airflow": "SELECT count(*) FROM dag_run WHERE run_id = '{}'",
    "agents": "SELECT count(*) FROM agent_run WHERE run_id = '{}'",
}
EXAMPLE = {"workflow_id": "example_workflow", "workflow_type": "airflow", "parameters": {"message": "compose"}}
TRIAGE = {
    "workflow_id": "settlement_fail_triage",
    "workflow_type": "langgraph",
    "parameters": {
        "message": (SAMPLES / "settlement" / "sese024_penf_lack.xml").read_text(),
        "as_of": JUDGED_AT,
        "instrument_class": "liquid_shares",
    },
}


@dataclass(frozen=True)
class Callers:
    """Callers of one project."""

    project: Project

    @property
    def environment(self) -> dict[str, str]:
        """What the demo's client reads, as the project stands now."""
        return {
            "API_TOKENS": self.project.rows["API_TOKENS"],
            "TRADEWIND_API_URL": f"http://{self.project.address('fastapi', 8000)}",
            "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{self.project.rows['TRADEWIND_KAFKA_PORT']}",
        }

    def demo(self, folder: Path) -> list[DemoRun]:
        """Send the demo's runs by their doors, after the blotters were copied into the workers' volume."""
        runs = list(demo_runs(folder))
        self.project.compose("cp", str(folder / "demo"), "airflow-scheduler:/opt/tradewind-data/")
        with DemoClient(self.environment) as client:
            return [client.send(run) for run in runs]

    def trigger(self, body: dict[str, Any], seconds: float = 240) -> str:
        """Ask for a run until it is taken, with one key: the run's id."""
        headers = self.headers | {"Idempotency-Key": f'"{uuid.uuid4()}"'}
        deadline = time.monotonic() + seconds
        while True:
            said = self._ask("POST", "/workflows/trigger", headers=headers, json=body)
            if said is not None and said.status_code == httpx.codes.ACCEPTED:
                return str(said.json()["workflow_run_id"])
            assert time.monotonic() < deadline, f"not taken within {seconds:.0f} s: {said and said.text}"
            time.sleep(1)

    def status(self, run_id: str) -> WorkflowStatus | None:
        """Where a run is; None while nobody answers, or knows it."""
        said = self._ask("GET", f"/workflows/{run_id}/status", headers=self.headers)
        return WorkflowStatus.model_validate_json(said.content) if said is not None and said.is_success else None

    def ended(self, run_id: str, seconds: float = 300) -> WorkflowStatus:
        """Wait for the end of a run."""
        deadline = time.monotonic() + seconds
        while (found := self.status(run_id)) is None or not found.status.is_terminal:
            assert time.monotonic() < deadline, f"{run_id} is after {seconds:.0f} s: {found}"
            time.sleep(0.5)
        return found

    def check_ran_once(self, *run_ids: str) -> None:
        """Wait until the runs have succeeded; each has to be there once."""
        for run_id in run_ids:
            ended = self.ended(run_id)
            assert ended.status == RunStatus.SUCCEEDED, f"{run_id}: {ended}"
        assert [self.runs(run_id) for run_id in run_ids] == [1] * len(run_ids)

    def runs(self, run_id: str) -> int:
        """How many runs have the id, in both engines together."""
        return sum(int(self.select(database, query.format(run_id))) for database, query in COUNTS.items())

    def all_runs(self) -> dict[str, int]:
        """How many runs each engine has of those that were triggered from outside."""
        queries = {"airflow": "SELECT count(*) FROM dag_run WHERE dag_id NOT LIKE 'workflow\\_%'"}
        queries["agents"] = "SELECT count(*) FROM agent_run"
        return {database: int(self.select(database, query)) for database, query in queries.items()}

    def select(self, database: str, query: str) -> str:
        """What a query on the project's Postgres gives, unaligned."""
        command = ["psql", "--no-psqlrc", "-U", "postgres", "-d", database, "-Atc", query]
        return self.project.container("postgres").run(*command).strip()

    @property
    def headers(self) -> dict[str, str]:
        """Who asks."""
        token = next(iter(json.loads(self.project.rows["API_TOKENS"]).values()))
        return {"Authorization": f"Bearer {token}"}

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response | None:
        try:
            return httpx.request(method, self.environment["TRADEWIND_API_URL"] + path, timeout=30, **more)
        except (httpx.TransportError, EngineError):
            return None  # nobody answers, or the port is not published at this moment
