"""`accept`: how fast the facade takes a trigger (acks=all on a real broker), beside Airflow's own `POST dagRuns`.

Measured twice: with the ingestion stopped, which is the facade and the broker alone, as the limit means it; and with
the ingestion making a run of each trigger on the same two cores meanwhile (`ingesting_…`).
"""

import asyncio

import aiohttp

from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed
from load import as_fast_as_possible, at_rate
from stack_under_test import WORKFLOW, StackUnderTest

RATE = 200
SECONDS = 15
BURST = 10_000
PEER_CALLS = 300


def run(stack: StackUnderTest) -> Benchmark:
    """Measure both, one after the other, with the workflow's DAG paused."""
    return asyncio.run(_run(stack))


async def _run(stack: StackUnderTest) -> Benchmark:
    async with stack.http() as http:
        airflow = await stack.airflow(http)
        await airflow.pause(WORKFLOW)
        peer = await _peer(airflow)
        figures = await _facade(stack, http)
    ratios = {
        "rate_to_airflow": figures["rate_per_s"] / peer["rate_per_s"],
        "p50_to_airflow": figures["p50_ms"] / peer["p50_ms"],
    }
    return Benchmark("accept", figures, peer, ratios, (Limit("p50_ms", 2), Limit("p99_ms", 8)))


async def _facade(stack: StackUnderTest, http: aiohttp.ClientSession) -> Figures:
    async def trigger(_: int) -> None:
        body = {"workflow_id": WORKFLOW, "workflow_type": "airflow", "parameters": {"message": "bench"}}
        async with http.post(f"{stack.api_url}/workflows/trigger", json=body, headers=stack.api_headers) as answer:
            if answer.status != 202:
                raise RuntimeError(f"the facade answered {answer.status}: {(await answer.text())[:300]}")

    await at_rate(trigger, rate=RATE, seconds=2)  # connections and producer warm
    ingesting = await at_rate(trigger, rate=RATE, seconds=SECONDS)
    await asyncio.to_thread(stack.stack.stop_part, "airflow-triggerer")
    await asyncio.sleep(2)
    steady = await at_rate(trigger, rate=RATE, seconds=SECONDS)
    rate, saturated = await as_fast_as_possible(trigger, workers=64, count=BURST)
    await asyncio.to_thread(stack.stack.start_part, "airflow-triggerer")
    return (
        percentiles(steady)
        | {"rate_per_s": rate}
        | prefixed("saturated", percentiles(saturated))
        | prefixed("ingesting", percentiles(ingesting))
    )


async def _peer(airflow: AirflowApi) -> Figures:
    async def create(_: int) -> None:
        await airflow.create_run(WORKFLOW)

    _, alone = await as_fast_as_possible(create, workers=1, count=PEER_CALLS)
    rate, _ = await as_fast_as_possible(create, workers=8, count=PEER_CALLS)
    return percentiles(alone) | {"rate_per_s": rate}
