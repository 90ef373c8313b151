"""`create`: DAG runs per second through the plugin, single and in batches, beside Airflow's own `POST dagRuns`."""

import asyncio

from figures import Benchmark, Limit, percentiles, prefixed
from load import as_fast_as_possible
from stack_under_test import WORKFLOW, StackUnderTest

CALLS = 300
BATCHES = 6
BATCH = 500


def run(stack: StackUnderTest) -> Benchmark:
    """Measure Airflow's endpoint, our single endpoint and our batches in turn, with the DAG paused."""
    return asyncio.run(_run(stack))


async def _run(stack: StackUnderTest) -> Benchmark:
    async with stack.http() as http:
        airflow = await stack.airflow(http)
        await airflow.pause(WORKFLOW)

        async def own(_: int) -> None:
            await airflow.create_run(WORKFLOW, {"message": "bench"})

        async def single(_: int) -> None:
            await airflow.trigger(_item())

        async def batch(_: int) -> None:
            await airflow.trigger_batch([_item() for _ in range(BATCH)])

        own_rate, own_spent = await as_fast_as_possible(own, workers=1, count=CALLS)
        _, single_spent = await as_fast_as_possible(single, workers=1, count=CALLS)
        batch_rate, _ = await as_fast_as_possible(batch, workers=1, count=BATCHES)
    figures = {"runs_per_s": batch_rate * BATCH} | prefixed("single", percentiles(single_spent))
    peer = {"runs_per_s": own_rate} | percentiles(own_spent)
    ratios = {
        "batch_rate_to_airflow": figures["runs_per_s"] / own_rate,
        "single_p50_to_airflow": figures["single_p50_ms"] / peer["p50_ms"],
    }
    limits = (Limit("batch_rate_to_airflow", 50, at_least=True), Limit("single_p50_to_airflow", 0.5))
    return Benchmark("create", figures, peer, ratios, limits)


def _item() -> dict[str, object]:
    return {"workflow_id": WORKFLOW, "workflow_type": "airflow", "parameters": {"message": "bench"}}
