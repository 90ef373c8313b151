"""`throughput`: what each part spends on an event and on an agent run, and what they leave on the topics.

Processor time is that of the parts themselves, so a busy machine changes it little; rates are of this machine.
"""

import asyncio
import time
import uuid
from functools import partial

import psycopg
from confluent_kafka import Producer

from figures import Benchmark, Figures, prefixed
from ledger_cost import ledger
from load import as_fast_as_possible
from meter import Meter, tree_seconds
from stack_under_test import HOME, WORKFLOW, StackUnderTest
from topic_bytes import compression, topic_bytes
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.topics import WORKFLOW_EVENTS, WORKFLOW_STATUS
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.demo.runs import demo_runs
from tradewind_service import kafka_clients

EVENTS, AGENT_RUNS, RECORDS = 5_000, 500, 2_000
CALLERS = 16
PATIENCE = 300
QUIET_SECONDS = 5
PARTS = {
    "facade": "api",
    "broker": "kafka",
    "triggerer": "airflow-triggerer",
    "api_server": "airflow-api-server",
    "agents": "agents",
    "postgres": "postgres",
}
CHECKPOINTS = ("checkpoints", "checkpoint_blobs", "checkpoint_writes", "agent_run")

_RUNS = "SELECT count(*) FROM dag_run WHERE dag_id = 'example_workflow'"
_ENDED = "SELECT count(*) FROM agent_run WHERE completed_at IS NOT NULL"
_RATE = (
    "SELECT count(*) / extract(epoch FROM max(completed_at) - min(started_at)), "
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY 1000 * extract(epoch FROM completed_at - started_at))"
    " FROM agent_run WHERE workflow_id = 'settlement_fail_triage'"
)


def run(stack: StackUnderTest) -> Benchmark:
    """Measure events whose DAG is paused, agent runs, and records that nobody reads."""
    figures = asyncio.run(_events(stack))
    figures |= _agent_runs(stack)
    figures |= ledger(stack.bootstrap_servers)
    # No two alike: a repeated body would flatter the codecs.
    unlike = [_event({"message": str(uuid.uuid4())}) for _ in range(RECORDS)]
    return Benchmark("throughput", figures | compression(stack.bootstrap_servers, HOME, unlike))


async def _events(stack: StackUnderTest) -> Figures:
    """From calls of the facade to runs that are held: all that ingestion and lifecycle do, and no scheduler."""
    async with stack.http() as http:

        async def trigger(_: int) -> None:
            body = {"workflow_id": WORKFLOW, "workflow_type": "airflow", "parameters": {"message": "bench"}}
            async with http.post(f"{stack.api_url}/workflows/trigger", json=body, headers=stack.api_headers) as answer:
                answer.raise_for_status()

        await (await stack.airflow(http)).pause(WORKFLOW)
        await as_fast_as_possible(trigger, workers=CALLERS, count=200)
        await _grown(stack.airflow_database, _RUNS, 200)
        known, bytes_before = _count(stack.airflow_database, _RUNS), _topics()
        with _meter(stack, stack.airflow_database).measuring() as cost:
            begun = time.monotonic()
            await as_fast_as_possible(trigger, workers=CALLERS, count=EVENTS)
            await _grown(stack.airflow_database, _RUNS, known + EVENTS)
            seconds = time.monotonic() - begun
            await asyncio.sleep(QUIET_SECONDS)  # the status events come a look later
    return prefixed("event", cost.per(EVENTS) | _since(bytes_before, EVENTS) | {"runs_per_s": EVENTS / seconds})


def _agent_runs(stack: StackUnderTest) -> Figures:
    producer, triage = (
        Producer(kafka_clients.producer_config({"bootstrap.servers": stack.bootstrap_servers}, {})),
        _triage(),
    )
    _produce(producer, triage, 20)
    asyncio.run(_grown(stack.agents_database, _ENDED, 20))
    known, bytes_before = _count(stack.agents_database, _ENDED), _topics()
    with _meter(stack, stack.agents_database).measuring() as cost:
        _produce(producer, triage, AGENT_RUNS)
        asyncio.run(_grown(stack.agents_database, _ENDED, known + AGENT_RUNS))
    figures = cost.per(AGENT_RUNS, *CHECKPOINTS) | _since(bytes_before, AGENT_RUNS)
    with psycopg.connect(stack.agents_database) as database:
        rate, p50 = database.execute(_RATE).fetchone() or (0, 0)
    return prefixed("agent_run", figures | {"runs_per_s": float(rate), "duration_p50_ms": float(p50)})


def _produce(producer: Producer, parameters: dict[str, object], count: int) -> None:
    for _ in range(count):
        record = _event(parameters)
        producer.produce(WORKFLOW_EVENTS.name, record.value, record.key, headers=record.headers)
    producer.flush(30)


def _event(parameters: dict[str, object]) -> records.Record:
    return records.encode(
        WorkflowTriggered(
            source="bench",
            workflow_id="settlement_fail_triage",
            workflow_type=WorkflowType.LANGGRAPH,
            workflow_run_id=run_ids.new(),
            payload=TriggerPayload(parameters=parameters),
        )
    )


def _triage() -> dict[str, object]:
    """The demo's first message, of a settlement that fails."""
    data = HOME / "samples"
    return next(run.parameters for run in demo_runs(data) if run.workflow_id == "settlement_fail_triage")


def _meter(stack: StackUnderTest, database_url: str) -> Meter:
    def spent(part: str) -> float:
        return tree_seconds(stack.stack.pid(part))

    return Meter(database_url, {name: partial(spent, part) for name, part in PARTS.items()})


async def _grown(database_url: str, query: str, wanted: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while _count(database_url, query) < wanted:  # noqa: ASYNC110  # Postgres sends no event
            await asyncio.sleep(0.2)


def _count(database_url: str, query: str) -> int:
    with psycopg.connect(database_url) as database:
        return int((database.execute(query.encode()).fetchone() or (0,))[0])


def _topics() -> dict[str, int]:
    return {name: topic_bytes(HOME, name) for name in (WORKFLOW_EVENTS.name, WORKFLOW_STATUS.name)}


def _since(before: dict[str, int], count: int) -> Figures:
    return {f"{name}_topic_bytes".replace("-", "_"): (size - before[name]) / count for name, size in _topics().items()}
