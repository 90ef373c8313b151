"""`create`: making DAG runs through the plugin, single and in batches, beside Airflow's own `POST dagRuns`.

For DAGs of 1, 50 and 500 tasks; and for one task in a database with a million runs beside one with a thousand.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from aiohttp import ClientSession, ClientTimeout

from airflow_alone import AirflowServer, signed_in, with_few_and_many_runs
from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed

ROUNDS = 6
"""Peer and we, each DAG and each database in turn: a busy minute of the machine is everybody's."""


@dataclass(frozen=True)
class Load:
    """What is asked of one DAG in each round."""

    tasks: int
    own: int
    single: int
    batches: int
    batch: int

    def item(self) -> dict[str, object]:
        """One trigger; the DAG is of `dags/create_dags.py`."""
        return {"workflow_id": self.dag_id, "workflow_type": "airflow", "parameters": {"message": "bench"}}

    @property
    def dag_id(self) -> str:
        """The DAG's id."""
        return f"tasks_{self.tasks}"


LOADS = (Load(1, 30, 50, 1, 500), Load(50, 10, 10, 1, 100), Load(500, 3, 3, 1, 20))
"""The first, without Airflow's calls, is also what is asked of the two databases."""


@dataclass
class Spent:
    """Seconds of each call; of batches, seconds per run."""

    own: list[float] = field(default_factory=list)
    single: list[float] = field(default_factory=list)
    batch: list[float] = field(default_factory=list)

    def ms_per_run(self) -> float:
        """Of a batch, with all that HTTP costs."""
        return 1000 * sum(self.batch) / len(self.batch)

    def rate_to_own(self) -> float:
        """Runs per second in batches, beside Airflow's."""
        return sum(self.own) / len(self.own) / (self.ms_per_run() / 1000)


def run() -> Benchmark:
    """Measure on servers and databases of their own: no scheduler reads the runs."""
    with with_few_and_many_runs(LOADS[0].dag_id) as (few, many):
        return asyncio.run(_run(few, many))


async def _run(few: AirflowServer, many: AirflowServer) -> Benchmark:
    spent = {f"{load.tasks}_tasks": Spent() for load in LOADS} | {"thousand": Spent(), "million": Spent()}
    async with ClientSession(timeout=ClientTimeout(total=120)) as http:
        at_few, at_many = await signed_in(http, few), await signed_in(http, many)
        for load in LOADS:
            await _round(at_few, load, Spent())
        await _round(at_many, LOADS[0], Spent())
        for _ in range(ROUNDS):
            for load in LOADS:
                await _round(at_few, load, spent[f"{load.tasks}_tasks"])
            await _round(at_few, LOADS[0], spent["thousand"], own=False)
            await _round(at_many, LOADS[0], spent["million"], own=False)
    return _benchmark(spent)


async def _round(airflow: AirflowApi, load: Load, spent: Spent, *, own: bool = True) -> None:
    if own:
        spent.own += await _timed(partial(airflow.create_run, load.dag_id), load.own)
    spent.single += await _timed(partial(airflow.trigger, load.item()), load.single)
    batches = await _timed(partial(airflow.trigger_batch, [load.item()] * load.batch), load.batches)
    spent.batch += [taken / load.batch for taken in batches]


async def _timed(call: Callable[[], Awaitable[None]], count: int) -> list[float]:
    spent = []
    for _ in range(count):
        begun = time.perf_counter()
        await call()
        spent.append(time.perf_counter() - begun)
    return spent


def _benchmark(spent: dict[str, Spent]) -> Benchmark:
    figures: Figures = {}
    peer: Figures = {}
    ratios: Figures = {}
    for label, one in spent.items():
        figures |= {f"{label}_runs_per_s": 1000 / one.ms_per_run()} | prefixed(
            f"{label}_single", percentiles(one.single)
        )
        if one.own:
            peer |= {f"{label}_runs_per_s": len(one.own) / sum(one.own)}
            peer |= prefixed(f"{label}_single", percentiles(one.own))
            ratios[f"{label}_batch_rate_to_airflow"] = one.rate_to_own()
            ratios[f"{label}_single_p50_to_airflow"] = _p50(one.single) / _p50(one.own)
    figures |= {f"ms_per_row_of_{tasks}": _row(spent, tasks) for tasks in (50, 500)}
    ratios |= {
        "row_of_500_to_row_of_50": _row(spent, 500) / _row(spent, 50),
        "million_batch_to_thousand": spent["million"].ms_per_run() / spent["thousand"].ms_per_run(),
        "million_single_p50_to_thousand": _p50(spent["million"].single) / _p50(spent["thousand"].single),
    }
    return Benchmark("create", figures, peer, ratios, LIMITS)


def _p50(seconds: list[float]) -> float:
    return percentiles(seconds)["p50_ms"]


def _row(spent: dict[str, Spent], tasks: int) -> float:
    """What one task more costs a run, in ms: a creation's cost is flat but for these rows."""
    return (spent[f"{tasks}_tasks"].ms_per_run() - spent["1_tasks"].ms_per_run()) / (tasks - 1)


LIMITS = (
    Limit("1_tasks_batch_rate_to_airflow", 50, at_least=True),
    Limit("50_tasks_batch_rate_to_airflow", 10, at_least=True),
    Limit("1_tasks_single_p50_to_airflow", 0.5),
    Limit("row_of_500_to_row_of_50", 1.25),
    Limit("million_batch_to_thousand", 1.25),
    Limit("million_single_p50_to_thousand", 1.25),
)
