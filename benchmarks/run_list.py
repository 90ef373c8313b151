"""`list`: the newest 50 runs that fit a filter, in a database with a thousand runs and in one with a million.

Beside it Airflow's own list with the same filters, which counts all that fit for each page.
"""

import asyncio
from collections import defaultdict

from aiohttp import ClientSession, ClientTimeout

from airflow_alone import AirflowServer, signed_in, with_few_and_many_runs
from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed
from load import as_fast_as_possible

ROUNDS = 5
CALLS = 40
SLOW_CALLS = 4

DAG_ID, IDLE_DAG_ID = "tasks_1", "tasks_50"

OURS = {
    name: f"/tradewind/workflows/runs?limit=50{query}"
    for name, query in {
        "all": "",
        "workflow": f"&workflow_id={DAG_ID}",
        "workflow_without_runs": f"&workflow_id={IDLE_DAG_ID}",
        "failed": "&status=failed",
        "workflow_failed": f"&workflow_id={DAG_ID}&status=failed",
        "unfinished": "&status=queued&status=held&status=running&status=waiting",
        "key": f"&workflow_id={DAG_ID}&idempotency_key=a-key",
        "time": "&created_after=2026-01-01T00:00:00Z&created_before=2100-01-01T00:00:00Z",
    }.items()
}
AIRFLOWS = {
    "all": "/api/v2/dags/~/dagRuns?limit=50&order_by=-run_after",
    "workflow": f"/api/v2/dags/{DAG_ID}/dagRuns?limit=50&order_by=-run_after",
    "failed": "/api/v2/dags/~/dagRuns?limit=50&order_by=-run_after&state=failed",
}
Spent = dict[str, list[float]]


def run() -> Benchmark:
    """Measure on two servers, in turn: no scheduler reads the runs."""
    with with_few_and_many_runs(DAG_ID) as (few, many):
        return _benchmark(*asyncio.run(_run({"thousand": few, "million": many})))


async def _run(servers: dict[str, AirflowServer]) -> tuple[Spent, Spent]:
    ours: Spent = defaultdict(list)
    airflows: Spent = defaultdict(list)
    async with ClientSession(timeout=ClientTimeout(total=120)) as http:
        places = {label: await signed_in(http, server) for label, server in servers.items()}
        for airflow in places.values():
            await _round(airflow, "", defaultdict(list), defaultdict(list))
        for _ in range(ROUNDS):
            for label, airflow in places.items():
                await _round(airflow, label, ours, airflows)
    return ours, airflows


async def _round(airflow: AirflowApi, label: str, ours: Spent, airflows: Spent) -> None:
    for spent, paths, calls in ((ours, OURS, CALLS), (airflows, AIRFLOWS, SLOW_CALLS)):
        for name, path in paths.items():

            async def call(_: int, path: str = path) -> None:
                await airflow.get(path)

            spent[f"{label}_{name}"] += (await as_fast_as_possible(call, workers=1, count=calls))[1]


def _benchmark(ours: Spent, airflows: Spent) -> Benchmark:
    figures, peer = _told(ours), _told(airflows)
    ratios = {
        f"million_{name}_p50_to_airflow": figures[f"million_{name}_p50_ms"] / peer[f"million_{name}_p50_ms"]
        for name in AIRFLOWS
    }
    limits = tuple(Limit(f"million_{name}_p50_ms", 10) for name in OURS)
    return Benchmark("list", figures, peer, ratios, limits)


def _told(spent: Spent) -> Figures:
    figures: Figures = {}
    for name, seconds in spent.items():
        figures |= prefixed(name, percentiles(seconds))
    return figures
