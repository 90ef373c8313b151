"""`event-to-run`: from the produce of an event to the commit of its DagRun row.

The commit's time is Postgres's own (`pg_xact_commit_timestamp`), so that nothing polls while it is
measured. The peer is a program that consumes the event itself and calls Airflow's `POST dagRuns`: its best case is the
call alone.
"""

import asyncio
import time
from datetime import UTC, datetime

import psycopg
from confluent_kafka import Producer

from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit, percentiles, prefixed
from load import as_fast_as_possible
from stack_under_test import WORKFLOW, StackUnderTest
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.topics import WORKFLOW_EVENTS
from tradewind_contracts.workflows import WorkflowType
from tradewind_service import kafka_clients

RATE = 50
COUNT = 1000
BURST = 10_000
WAIT_SECONDS = 300


def run(stack: StackUnderTest) -> Benchmark:
    """Measure a steady stream, then a burst, with the DAG paused; then the peer's call."""
    peer = asyncio.run(_peer(stack))
    _settle(stack, _produce(stack, 50, RATE))  # the consumer's connection and the DAG's cache are warm
    steady = _settle(stack, _produce(stack, COUNT, RATE))
    burst = _settle(stack, _produce(stack, BURST, None))
    figures = percentiles(steady) | {"burst_runs_per_s": BURST / max(burst)} | prefixed("burst", percentiles(burst))
    limits = (Limit("p50_ms", 8), Limit("p99_ms", 25), Limit("burst_runs_per_s", 3000, at_least=True))
    ratios = {
        "p50_to_airflow": figures["p50_ms"] / peer["p50_ms"],
        "burst_rate_to_airflow": figures["burst_runs_per_s"] / peer["runs_per_s"],
    }
    return Benchmark("event-to-run", figures, peer, ratios, limits)


async def _peer(stack: StackUnderTest) -> Figures:
    async with stack.http() as http:
        airflow: AirflowApi = await stack.airflow(http)
        await airflow.pause(WORKFLOW)

        async def create(_: int) -> None:
            await airflow.create_run(WORKFLOW)

        rate, spent = await as_fast_as_possible(create, workers=1, count=300)
    return percentiles(spent) | {"runs_per_s": rate}


def _produce(stack: StackUnderTest, count: int, rate: float | None) -> dict[str, datetime]:
    """Produce triggers, at a rate or all at once; return each run id with the time of its produce."""
    producer = Producer(kafka_clients.producer_config({"bootstrap.servers": stack.bootstrap_servers}, {"linger.ms": 0}))
    # An idempotent producer gets its id with its first record, which takes up to half a second: not the ingestion's.
    first = records.encode(_event())
    producer.produce(WORKFLOW_EVENTS.name, first.value, first.key, headers=first.headers)
    producer.flush(30)
    sent, start = {}, time.monotonic()
    for number in range(count):
        if rate:
            producer.poll(max(0.0, start + number / rate - time.monotonic()))
            time.sleep(max(0.0, start + number / rate - time.monotonic()))
        event = _event()
        record = records.encode(event)
        sent[event.workflow_run_id] = datetime.now(UTC)
        producer.produce(WORKFLOW_EVENTS.name, record.value, record.key, headers=record.headers)
    if producer.flush(30):
        raise RuntimeError("the broker did not take all events within 30 s")
    return sent


def _event() -> WorkflowTriggered:
    payload = TriggerPayload(parameters={"message": "bench"})
    return WorkflowTriggered(
        source="bench",
        workflow_id=WORKFLOW,
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_ids.new(),
        payload=payload,
    )


def _settle(stack: StackUnderTest, sent: dict[str, datetime]) -> list[float]:
    """Wait until every run is there; return the seconds from each produce to each commit."""
    deadline = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(stack.airflow_database, autocommit=True) as database:
        while len(committed := _committed(database, list(sent))) < len(sent):
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"{len(sent) - len(committed)} of {len(sent)} runs are missing after {WAIT_SECONDS} s"
                )
            time.sleep(0.5)
    return [(committed[run_id] - when).total_seconds() for run_id, when in sent.items()]


def _committed(database: psycopg.Connection, ids: list[str]) -> dict[str, datetime]:
    query = "SELECT run_id, pg_xact_commit_timestamp(xmin) FROM dag_run WHERE dag_id = %s AND run_id = ANY(%s)"
    return {run_id: when for run_id, when in database.execute(query, (WORKFLOW, ids)) if when is not None}
