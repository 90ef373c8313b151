"""A real Airflow with all its parts: the server, a scheduler with its workers and a DAG processor."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from support.airflow_server import AirflowServer
from support.steered_airflow import SteeredAirflow

_TELL = """
import contextlib, io, json, sys
from airflow.__main__ import main

told = []
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["airflow", *arguments]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        main()
    told.append(output.getvalue())
print(json.dumps(told))
"""
_VOLATILE = [
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"), "UUID"),
]
_MEASURED = {"id", "duration", "pid", "hostname", "context_carrier", "traceparent", "backfill_id"}


class ExecutingAirflow(SteeredAirflow):
    """All parts; `folder` and `wait` are those of `SteeredAirflow`."""

    def __init__(self, home: Path, database_url: str, dags: Path) -> None:
        AirflowServer.__init__(self, home, database_url, dags)
        self.folder = home

    @contextmanager
    def processor(self) -> Iterator[None]:
        """Run the DAG processor."""
        with self._part("dag-processor"):
            yield

    @contextmanager
    def parsed(self, *dag_ids: str) -> Iterator[None]:
        """Run the DAG processor, from when it has read these DAGs."""
        known = "SELECT dag_id FROM serialized_dag WHERE dag_id = ANY(%s)"
        with ExitStack() as running:
            running.enter_context(self.processor())
            self.wait(lambda: len(self.rows(known, list(dag_ids))) >= len(dag_ids), f"{dag_ids}", 120)
            yield

    def told(self, *commands: Sequence[str]) -> list[str]:
        """What each of Airflow's commands prints. They share a process, as most of a command's time is its imports."""
        command = [sys.executable, "-c", _TELL, json.dumps(commands)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{commands}: {done.stderr[-4000:]}"
        found: list[str] = json.loads(done.stdout.splitlines()[-1])
        return found


def likeness(node: Any, run_id: str) -> Any:
    """Return what is left of an answer without the run's own id, other ids, times and what was measured."""
    if isinstance(node, dict):
        kept = {key: likeness(value, run_id) for key, value in node.items() if key not in _MEASURED}
        return kept | {key: type(node[key]).__name__ for key in _MEASURED & node.keys()}
    if isinstance(node, list):
        return sorted((likeness(item, run_id) for item in node), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(node, str):
        text = node.replace(run_id, "RUN")
        for pattern, name in _VOLATILE:
            text = pattern.sub(name, text)
        return text
    return node
