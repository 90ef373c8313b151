"""Send what DAGs of many tasks would, through Airflow's own client: `python metrics_sender.py DAGS TASKS`.

Every task of every DAG has run once, as the scheduler and the task's process report it; one DAG in 20 has failed. The
client is set up by AIRFLOW__METRICS__… as in Airflow's processes. Prints JSON: calls, and the seconds that they took.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

from airflow.configuration import conf
from airflow.observability import stats
from airflow.observability.metrics import stats_utils

Call = tuple[str, str, float, dict[str, Any]]
FAILING = 20
WAITING = 100
# A datagram that finds the receiver's buffer full is lost without a word.
BURST, PAUSE = 100, 0.01


def of_task(dag: str, task: str, *, failed: bool) -> Iterator[Call]:
    """Yield what one run of a task sends."""
    tags = {"dag_id": dag, "task_id": task}
    result = "failures" if failed else "successes"
    yield "incr", "task_instance_created", 1, {"dag_id": dag, "run_type": "scheduled", "task_type": "PythonOperator"}
    yield "timing", "task.scheduled_duration", 800, tags | {"queue": "default"}
    yield "incr", "ti.start", 1, tags
    yield "incr", "ti.finish", 1, tags | {"state": "failed" if failed else "success"}
    yield "incr", f"ti_{result}", 1, tags
    yield "incr", f"operator_{result}", 1, tags | {"operator_name": "PythonOperator"}
    yield "timing", "task.duration", 12_000, tags


def of_dag(dag: str, *, failed: bool) -> Iterator[Call]:
    """Yield what one run of a DAG, and the parsing of its file, send."""
    run = {"dag_id": dag, "run_type": "scheduled"}
    file = {"bundle_name": "dags-folder", "file_name": dag}
    yield "timing", f"dagrun.duration.{'failed' if failed else 'success'}", 60_000, run
    yield "timing", "dagrun.dependency-check", 5, run
    yield "timing", "dagrun.schedule_delay", 700, run
    yield "timing", "dagrun.first_task_scheduling_delay", 900, run
    yield "timing", "dagrun.first_task_start_delay", 950, run
    yield "timing", "dag_processing.last_duration", 0.4, file
    yield "gauge", "dag_processing.last_run.seconds_ago", 12, file | {"file_path": f"{dag}.py"}


def calls(dags: int, tasks: int) -> Iterator[Call]:
    """Yield all calls: runs of all DAGs and tasks, and the gauges of the tasks that wait at this moment."""
    for number in range(dags):
        dag, failed = f"settlement_report_{number:03}", number % FAILING == 0
        yield from of_dag(dag, failed=failed)
        for step in range(tasks):
            yield from of_task(dag, f"load_positions_{step}", failed=failed and step == 0)
    for number in range(min(WAITING, dags)):
        place = {"queue": "default", "dag_id": f"settlement_report_{number:03}", "task_id": "load_positions_0"}
        for state in ("scheduled", "queued", "running", "deferred"):
            yield "gauge", f"ti.{state}", 1, place


def main() -> None:
    """Send."""
    legacy = conf.getboolean("metrics", "legacy_names_on")
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=legacy)
    made, spent = 0, 0.0
    for method, name, value, tags in calls(int(sys.argv[1]), int(sys.argv[2])):
        began = time.perf_counter()
        getattr(stats, method)(name, value, tags=tags)
        spent += time.perf_counter() - began
        made += 1
        if made % BURST == 0:
            time.sleep(PAUSE)
    print(json.dumps({"calls": made, "seconds": spent}))


if __name__ == "__main__":
    main()
