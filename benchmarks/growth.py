"""`growth`: what a DAG run costs in processor time and in bytes: created, scheduled, executed, and deleted again.

Processor time is that of the processes themselves, so a busy machine changes it little. The peer is Airflow's own
`POST dagRuns`, and its own `airflow db clean`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial

import psutil
from aiohttp import ClientSession, ClientTimeout

from airflow_alone import prepared, signed_in
from figures import Benchmark, Figures, prefixed
from growth_deletion import deletion
from meter import Cost, Meter, own_seconds, tree_seconds
from support.executing_airflow import ExecutingAirflow

KEPT = ("dag_run", "task_instance", "log")
CREATED = {"grow_1": 3_000, "grow_5": 500}
OWN, EXECUTED = 100, 60
IDLE_SECONDS = 20
BATCH = 500
PATIENCE = 900
PARALLELISM = 4

_LEFT = "SELECT count(*) AS n FROM dag_run WHERE dag_id = %s AND state NOT IN ('success', 'failed')"
_RATE = (
    "SELECT count(*) / greatest(extract(epoch FROM max(end_date) - min(start_date)), 0.001) AS rate"
    " FROM dag_run WHERE dag_id = %s AND state = 'success'"
)
_UNPAUSE = "UPDATE dag SET is_paused = false WHERE dag_id = %s"
_FIRST = "SELECT run_id FROM dag_run WHERE dag_id = 'grow_1' AND state = 'success' LIMIT 1"


class GrowingAirflow(ExecutingAirflow):
    """The server, and a scheduler with the loop's settings of this benchmark."""

    runs_per_loop = 20
    """Airflow's default of `max_dagruns_per_loop_to_schedule`."""

    @property
    def env(self) -> dict[str, str]:
        """The environment of this Airflow's processes."""
        return super().env | {
            "AIRFLOW__CORE__PARALLELISM": str(PARALLELISM),
            "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": str(self.runs_per_loop),
        }

    def scheduler_pid(self) -> int | None:
        """The scheduler's process, None when none runs."""
        mine = psutil.Process().children()
        return next((child.pid for child in mine if "scheduler" in child.cmdline()), None)

    @property
    def processes(self) -> dict[str, Callable[[], float]]:
        """What its parts have spent; `tasks` is what descends from the scheduler."""
        return {
            "api": lambda: tree_seconds(self.pid),
            "scheduler": lambda: own_seconds(self.scheduler_pid()),
            "tasks": lambda: tree_seconds(self.scheduler_pid()) - own_seconds(self.scheduler_pid()),
        }

    def all_ended(self, dag_id: str) -> bool:
        """Whether no run of the DAG is left to do."""
        return bool(self.rows(_LEFT, dag_id)[0]["n"] == 0)

    def rate(self, dag_id: str) -> float:
        """Runs a second, from the first start to the last end."""
        return float(self.rows(_RATE, dag_id)[0]["rate"])


def run() -> Benchmark:
    """Measure on a server, a scheduler and a database of their own."""
    with prepared() as alone:
        airflow = GrowingAirflow(alone.home / "growing", alone.database_url, alone.home / "dags")
        database = {"postgres": lambda: tree_seconds(alone.postgres.pid)}
        meter = Meter(alone.database_url, database | airflow.processes)
        with airflow:
            figures, peer = asyncio.run(_created(airflow, meter))
            figures |= _scheduled(airflow, meter)
            figures |= _executed(airflow, meter)
        ended = str(airflow.rows(_FIRST)[0]["run_id"])
        deleted, cleaned = deletion(airflow, Meter(alone.database_url, database), ended)
    return Benchmark("growth", figures | deleted, peer | cleaned)


async def _created(airflow: GrowingAirflow, meter: Meter) -> tuple[Figures, Figures]:
    """Create runs of paused DAGs through the plugin, then a few through Airflow's own endpoint."""
    figures: Figures = {}
    async with ClientSession(timeout=ClientTimeout(total=120)) as http:
        api = await signed_in(http, airflow)
        await api.trigger_batch([_item("tasks_1")])  # the server is warm
        await api.create_run("tasks_1")
        for dag_id, count in CREATED.items():
            with meter.measuring() as cost:
                await _repeat(partial(api.trigger_batch, [_item(dag_id)] * BATCH), count // BATCH)
            figures |= prefixed(f"created_{dag_id}", cost.per(count, *KEPT))
        with meter.measuring() as own:
            await _repeat(partial(api.create_run, "tasks_1"), OWN)
        await api.trigger_batch([_item("grow_task")] * EXECUTED)
    return figures, prefixed("created_grow_1", own.per(OWN, *KEPT))


async def _repeat(call: Callable[[], Awaitable[None]], count: int) -> None:
    for _ in range(count):
        await call()


def _item(dag_id: str) -> dict[str, object]:
    return {"workflow_id": dag_id, "workflow_type": "airflow", "parameters": {"message": "bench"}}


def _scheduled(airflow: GrowingAirflow, meter: Meter) -> Figures:
    """Let the scheduler end runs of empty tasks: all of its own work, and no worker's."""
    figures: Figures = {}
    with _scheduler(airflow):
        for dag_id, count in CREATED.items():
            cost = _until_ended(airflow, meter, dag_id)
            figures |= prefixed(f"scheduled_{dag_id}", cost.per(count, *KEPT) | {"runs_per_s": airflow.rate(dag_id)})
    return figures


def _executed(airflow: GrowingAirflow, meter: Meter) -> Figures:
    """Let the LocalExecutor run a task each; what the parts spend with nothing to do is left out."""
    with _scheduler(airflow):
        with meter.measuring() as idle:
            time.sleep(IDLE_SECONDS)
        begun = time.monotonic()
        cost = _until_ended(airflow, meter, "grow_task")
        seconds = time.monotonic() - begun
    figures = cost.without(idle, seconds / IDLE_SECONDS).per(EXECUTED, *KEPT)
    logs = sum(file.stat().st_size for file in (airflow.home / "logs").rglob("dag_id=grow_task/**/*.log"))
    more = {"log_file_bytes": logs / EXECUTED, "runs_per_s": airflow.rate("grow_task")}
    return prefixed("executed_grow_task", figures | more)


@contextmanager
def _scheduler(airflow: GrowingAirflow) -> Iterator[None]:
    """Run the scheduler, from when it has imported all and looked for what others left behind."""
    with airflow.scheduler():
        airflow.wait(airflow.scheduler_pid, "scheduler")
        time.sleep(IDLE_SECONDS)
        yield


def _until_ended(airflow: GrowingAirflow, meter: Meter, dag_id: str) -> Cost:
    with meter.measuring() as cost:
        airflow.rows(_UNPAUSE, dag_id)
        airflow.wait(lambda: airflow.all_ended(dag_id), f"end of all runs of {dag_id}", PATIENCE)
    return cost
