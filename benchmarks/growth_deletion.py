"""What it takes to forget runs: Airflow's own `db clean`, and a DELETE that leaves the rest to the foreign keys."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from figures import Figures
from meter import Cost, Meter
from support.airflow_server import AirflowServer
from support.many_runs import multiply

RUNS = 100_000
BATCH = 10_000
_DELETE = (
    "WITH gone AS (DELETE FROM dag_run WHERE id IN (SELECT id FROM dag_run WHERE run_id LIKE 'many-%%'"
    " ORDER BY id LIMIT %s) RETURNING 1) SELECT count(*) AS n FROM gone"
)
_MANY = "SELECT count(*) AS n FROM dag_run WHERE run_id LIKE 'many-%%'"
_LOGS = "DELETE FROM log WHERE run_id LIKE 'many-%%'"


def deletion(airflow: AirflowServer, meter: Meter, run_id: str) -> tuple[Figures, Figures]:
    """Copy an ended run of one task `RUNS` times and delete the copies: (by DELETE, by Airflow's command)."""
    return _measured(airflow, meter, run_id, _delete), _measured(airflow, meter, run_id, _clean)


def _measured(airflow: AirflowServer, meter: Meter, run_id: str, delete: Callable[[AirflowServer], None]) -> Figures:
    multiply(airflow.database_url, run_id, RUNS)
    before = _count(airflow)
    with meter.measuring() as cost:
        begun = time.monotonic()
        delete(airflow)
        seconds = time.monotonic() - begun
    return _figures(cost, before - _count(airflow), seconds)


def _count(airflow: AirflowServer) -> int:
    return int(airflow.rows(_MANY)[0]["n"])


def _figures(cost: Cost, runs: int, seconds: float) -> Figures:
    if not runs:
        raise RuntimeError("nothing was deleted")
    return {
        "deleted_runs": runs,
        "deleted_runs_per_s": runs / seconds,
        "deleted_postgres_cpu_ms": 1000 * cost.seconds["postgres"] / runs,
        "deleted_wal_bytes": cost.wal / runs,
    }


def _delete(airflow: AirflowServer) -> None:
    while airflow.rows(_DELETE, BATCH)[0]["n"]:
        pass
    airflow.rows(_LOGS)


def _clean(airflow: AirflowServer) -> None:
    now = datetime.now(UTC).isoformat()
    command = ("db", "clean", "--clean-before-timestamp", now, "--tables", "dag_run,task_instance,log")
    airflow.run(*command, "--skip-archive", "--batch-size", str(BATCH), "--yes", "--error-on-cleanup-failure")
