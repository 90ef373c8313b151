"""`status`: looking one run up by its id alone, in a database with a thousand runs and in one with a million.

Beside it what Airflow has: the run by its DAG and id, the search by id over all DAGs, and the list that its batch
endpoint gives, which knows no ids.
"""

import asyncio
import random
from dataclasses import dataclass, field

from aiohttp import ClientSession, ClientTimeout

from airflow_alone import FEW, MANY, AirflowServer, signed_in, with_few_and_many_runs
from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed
from load import as_fast_as_possible

ROUNDS = 5
CALLS = 60
SLOW_CALLS = 4
"""Airflow's search and list read all runs; a few calls tell enough."""

DAG_ID = "tasks_1"


@dataclass
class Spent:
    """Seconds of each call."""

    ours: list[float] = field(default_factory=list)
    own: list[float] = field(default_factory=list)
    search: list[float] = field(default_factory=list)
    listed: list[float] = field(default_factory=list)


def run() -> Benchmark:
    """Measure on two servers, in turn: no scheduler reads the runs."""
    with with_few_and_many_runs(DAG_ID) as (few, many):
        return asyncio.run(_run(few, many))


async def _run(few: AirflowServer, many: AirflowServer) -> Benchmark:
    spent = {"thousand": Spent(), "million": Spent()}
    async with ClientSession(timeout=ClientTimeout(total=120)) as http:
        places = [
            (await signed_in(http, few), FEW, spent["thousand"]),
            (await signed_in(http, many), MANY, spent["million"]),
        ]
        for airflow, runs, _ in places:
            await _round(airflow, runs, Spent())
        for _ in range(ROUNDS):
            for airflow, runs, one in places:
                await _round(airflow, runs, one)
    return _benchmark(spent)


async def _round(airflow: AirflowApi, runs: int, spent: Spent) -> None:
    def some() -> str:
        return f"many-{random.randint(1, runs)}"

    async def ours(_: int) -> None:
        await airflow.get(f"/tradewind/workflows/{some()}/status")

    async def own(_: int) -> None:
        await airflow.get(f"/api/v2/dags/{DAG_ID}/dagRuns/{some()}")

    async def search(_: int) -> None:
        await airflow.get(f"/api/v2/dags/~/dagRuns?limit=1&run_id_pattern={some()}")

    async def listed(_: int) -> None:
        await airflow.post("/api/v2/dags/~/dagRuns/list", {"dag_ids": [DAG_ID], "page_limit": 1})

    for kind, call, count in (
        (spent.ours, ours, CALLS),
        (spent.own, own, CALLS),
        (spent.search, search, SLOW_CALLS),
        (spent.listed, listed, SLOW_CALLS),
    ):
        kind.extend((await as_fast_as_possible(call, workers=1, count=count))[1])


def _benchmark(spent: dict[str, Spent]) -> Benchmark:
    figures: Figures = {}
    peer: Figures = {}
    for label, one in spent.items():
        figures |= prefixed(label, percentiles(one.ours))
        for kind, seconds in (("get", one.own), ("search_by_id", one.search), ("list", one.listed)):
            peer |= prefixed(f"{label}_{kind}", percentiles(seconds))
    ratios = {
        "million_p50_to_thousand": figures["million_p50_ms"] / figures["thousand_p50_ms"],
        "million_p50_to_airflow_get": figures["million_p50_ms"] / peer["million_get_p50_ms"],
        "million_p50_to_airflow_search_by_id": figures["million_p50_ms"] / peer["million_search_by_id_p50_ms"],
        "million_p50_to_airflow_list": figures["million_p50_ms"] / peer["million_list_p50_ms"],
    }
    limits = (Limit("thousand_p50_ms", 5), Limit("million_p50_ms", 5), Limit("million_p50_to_thousand", 1.25))
    return Benchmark("status", figures, peer, ratios, limits)
