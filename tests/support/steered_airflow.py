"""A real Airflow whose runs are steered: the server with the DAGs of `tests/data/command_dags`, and its scheduler."""

import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.airflow_home import ROOT
from support.airflow_server import AIRFLOW, AirflowServer
from support.migrated_database import migrated_database
from support.servers import temporary_home
from tradewind_local.postgres import PostgresServer

DAGS = ROOT / "tests" / "data" / "command_dags"
CONFLICT = "urn:tradewind:problem:state-conflict"

_NUMBERS = itertools.count()


class SteeredAirflow(AirflowServer):
    """A server, and its scheduler when a test needs one. `folder` is where tasks and tests leave words."""

    def __init__(self, home: Path, database_url: str) -> None:
        shutil.copytree(DAGS, home / "dags")
        super().__init__(home, database_url, home / "dags")
        self.folder = home / "words"
        self.folder.mkdir()

    @property
    def env(self) -> dict[str, str]:
        """The environment of this Airflow's processes."""
        return super().env | {
            "TRADEWIND_TEST_FOLDER": str(self.folder),
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
            # A task's process learns from its heartbeat that it was ended.
            "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        }

    @contextmanager
    def scheduler(self) -> Iterator[None]:
        """Run the scheduler with its workers."""
        with self._part("scheduler", "--skip-serve-logs"):
            yield

    @contextmanager
    def _part(self, *command: str) -> Iterator[None]:
        """Run one of Airflow's processes; its log is named after it."""
        with (self.home / f"{command[0]}.log").open("ab") as output:
            process = subprocess.Popen(
                [str(AIRFLOW), *command], env=self.env, stdout=output, stderr=output, start_new_session=True
            )
        try:
            yield
        finally:
            os.killpg(process.pid, 15)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                process.wait(10)

    def say(self, run_id: str, word: str) -> None:
        """Leave a word for a run's tasks."""
        (self.folder / f"{run_id}.{word}").touch()

    def said(self, run_id: str, word: str) -> str:
        """Wait for a word of a run's tasks."""
        path = self.folder / f"{run_id}.{word}"
        self.wait(lambda: path.exists() and (path.read_text() or True), f"the word {path.name}")
        return path.read_text()

    def has_said(self, run_id: str, word: str) -> bool:
        """Whether a run's tasks have left a word."""
        return (self.folder / f"{run_id}.{word}").exists()

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = 60) -> Any:
        """Wait until the condition holds; fail with the logs' ends."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            log = self.home / "scheduler.log"
            told = log.read_text()[-4000:] if log.exists() else ""
            assert time.monotonic() < deadline, f"no {what} within {seconds} s\n{told}\n{self.log()}"
            time.sleep(0.1)
        return found

    def tasks(self, run_id: str) -> dict[str, str | None]:
        """Task id -> state, with the map index of mapped ones."""
        rows = self.rows("SELECT task_id, map_index, state FROM task_instance WHERE run_id = %s", run_id)
        return {_name(row["task_id"], row["map_index"]): row["state"] for row in rows}

    def row(self, run_id: str) -> dict[str, Any]:
        """The run's row in `dag_run`."""
        (row,) = self.runs(run_id)
        return row

    def begin(self, run_id: str, **states: str | None) -> str:
        """Put a run and its tasks into states, as the scheduler and a worker would."""
        self.rows("UPDATE dag_run SET state = 'running', start_date = now() WHERE run_id = %s", run_id)
        for task_id, state in states.items():
            self.set_task(run_id, task_id, state)
        return run_id

    def set_task(self, run_id: str, task_id: str, state: str | None) -> None:
        """Put a task into a state, in its first try."""
        query = (
            "UPDATE task_instance SET state = %s, try_number = 1, start_date = now() WHERE run_id = %s AND task_id = %s"
        )
        self.rows(query, state, run_id, task_id)

    def finish(self, run_id: str, state: str, **states: str | None) -> str:
        """Put a run that has begun into its last state."""
        self.begin(run_id, **states)
        self.rows("UPDATE dag_run SET state = %s, end_date = now() WHERE run_id = %s", state, run_id)
        return run_id

    def audited(self, run_id: str, command: str) -> list[dict[str, Any]]:
        """What the audit log tells of a command to a run."""
        query = "SELECT * FROM log WHERE run_id = %s AND event = %s ORDER BY id"
        rows = self.rows(query, run_id, f"tradewind_{command}")
        return [{"owner": row["owner"], **json.loads(row["extra"])} for row in rows]

    def wait_for_end(self, run_id: str) -> str:
        """Wait for the run's end, and return its state."""
        state: str = self.wait(
            lambda: state if (state := self.row(run_id)["state"]) in {"success", "failed"} else None, f"end of {run_id}"
        )
        return state


def _name(task_id: str, map_index: int) -> str:
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


@pytest.fixture(scope="session")
def steered(postgres_server: PostgresServer) -> Iterator[SteeredAirflow]:
    """A running server with the command DAGs, on a database of its own."""
    with steered_airflow(postgres_server) as server:
        yield server


@contextmanager
def steered_airflow(postgres: PostgresServer) -> Iterator[SteeredAirflow]:
    """Migrate, parse and serve."""
    with temporary_home() as home:
        server = SteeredAirflow(home, migrated_database(postgres, "steered"))
        server.run("dags", "reserialize")
        server.run("pools", "set", "one_slot", "1", "for one task at a time")
        with server:
            yield server


def trigger(client: httpx.Client, dag_id: str, run_id: str, priority: int = 0) -> str:
    """Make a run, and return its id."""
    item = {
        "workflow_id": dag_id,
        "workflow_type": "airflow",
        "workflow_run_id": run_id,
        "parameters": {},
        "priority": priority,
    }
    answer = client.post("/workflows/trigger/batch", json={"items": [item]})
    assert answer.json()["items"][0]["outcome"] == "created", answer.text
    return run_id


def new(client: httpx.Client, dag_id: str = "command_steps", priority: int = 0) -> str:
    """Make a run with a new id."""
    return trigger(client, dag_id, f"run-{next(_NUMBERS)}", priority)


def post(client: httpx.Client, run_id: str, command: str, **body: Any) -> httpx.Response:
    """Send a command."""
    return client.post(f"/workflows/{run_id}/{command}", json=body)
