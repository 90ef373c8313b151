"""The agents service on real Kafka and Postgres: from an event to a result."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, TopicPartition

from support.agents import EventLog, World, ended, ready, running, trigger, until
from support.servers import new_database, new_topic_set
from tradewind_agents.consumer import AgentEventConsumer
from tradewind_contracts import records
from tradewind_contracts.events import CancelRequested, TriggerPayload
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_service.offset_tracker import Partition

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture
def world(kafka_broker: KafkaBroker, postgres_server: PostgresServer) -> World:
    """Own topics, database and consumer group."""
    return World(kafka_broker.bootstrap_servers, new_database(postgres_server), new_topic_set(kafka_broker))


@pytest.fixture
def log(world: World) -> EventLog:
    return EventLog(world)


async def test_event_to_result(world: World, log: EventLog, tmp_path: Path) -> None:
    event = trigger("steps", {"log": str(tmp_path / "log")})
    async with running(world) as client:
        await ready(client)
        log.send(event)
        found = await ended(client, event.workflow_run_id)
    assert found["status"] == "succeeded"
    assert found["result"] == {"done": [1, 2, 3, 4, 5]}
    statuses = log.statuses()[event.workflow_run_id]
    assert [status.payload.status for status in statuses] == [RunStatus.RUNNING, RunStatus.SUCCEEDED]
    assert world.is_caught_up()


async def test_settlement_fail_triage(world: World, log: EventLog) -> None:
    message = (DATA / "settlement" / "mt548_several_reasons.txt").read_text()
    event = trigger("settlement_fail_triage", {"message": message, "as_of": "2026-11-20T14:30:00Z"}, priority=7)
    async with running(world) as client:
        await ready(client)
        log.send(event)
        found = await ended(client, event.workflow_run_id)
    assert found["status"] == "succeeded"
    assert found["progress"] == 1
    assert found["result"]["owner"] == "us"
    assert log.statuses()[event.workflow_run_id][-1].payload.result == found["result"]


async def test_same_event_twice_is_one_run(world: World, log: EventLog, tmp_path: Path) -> None:
    event = trigger("steps", {"log": str(tmp_path / "log")})
    again = event.model_copy(update={"event_id": "sent-again"})
    async with running(world) as client:
        log.send(event, event, again)
        await ready(client)
        await ended(client, event.workflow_run_id)
        log.send(event)
        await until(_as_async(world.is_caught_up))
    assert (tmp_path / "log").read_text().splitlines() == [f"run {step}" for step in range(1, 6)]
    assert len({status.event_id for status in log.statuses()[event.workflow_run_id]}) == 2
    assert log.dead_letters() == []


async def test_dead_letters(world: World, log: EventLog, tmp_path: Path) -> None:
    good = trigger("steps", {"log": str(tmp_path / "log")})
    conflict = good.model_copy(update={"payload": TriggerPayload(parameters={"log": "another"})})
    unknown = trigger("no_such_workflow", {})
    invalid = trigger("settlement_fail_triage", {"mesage": "misspelt", "price": "-1"})
    command = CancelRequested(
        source="test", workflow_id="steps", workflow_type=WorkflowType.LANGGRAPH, workflow_run_id=good.workflow_run_id
    )
    log.send(good, conflict, unknown, invalid, command)
    async with running(world) as client:
        await ended(client, good.workflow_run_id)
        await until(_as_async(world.is_caught_up))
        missing = await client.get(f"/workflows/{unknown.workflow_run_id}/status")
        not_an_id = await client.get("/workflows/not%20an%20id/status")
    letters = {(letter.reason, letter.workflow_run_id): (letter, message) for letter, message in log.dead_letters()}
    assert set(letters) == {
        ("idempotency-conflict", good.workflow_run_id),
        ("unknown-workflow", unknown.workflow_run_id),
        ("invalid-parameters", invalid.workflow_run_id),
        ("unsupported-command", good.workflow_run_id),
    }
    letter, record = letters["invalid-parameters", invalid.workflow_run_id]
    assert [error.pointer for error in letter.errors] == [
        "#/payload/parameters/message",
        "#/payload/parameters/price",
        "#/payload/parameters/mesage",
    ]
    assert (record.key(), record.value()) == (invalid.key, records.encode(invalid).value)
    assert (not_an_id.status_code, not_an_id.json()["type"]) == (422, "urn:tradewind:problem:invalid-request")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:tradewind:problem:unknown-run")


async def test_records_of_others_are_skipped(world: World, log: EventLog, tmp_path: Path) -> None:
    log.send_raw(b"\xff not an event")
    log.send_raw(None)
    log.send(trigger("some_dag", {}, workflow_type=WorkflowType.AIRFLOW))
    event = trigger("steps", {"log": str(tmp_path / "log")})
    log.send(event)
    async with running(world) as client:
        await ended(client, event.workflow_run_id)
        await until(_as_async(world.is_caught_up))
        metrics = (await client.get("/metrics")).text
    assert 'tradewind_agents_events_skipped_total{reason="undecodable"} 2.0' in metrics
    assert 'tradewind_agents_events_skipped_total{reason="other-engine"} 1.0' in metrics
    assert 'tradewind_agents_runs_total{status="succeeded",workflow_id="steps"} 1.0' in metrics
    assert log.dead_letters() == []


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"fail_at": 3}, "ValueError: step 3 failed as requested"),
        ({"seconds": 60}, "TimeoutError: "),
    ],
)
async def test_a_failing_graph_is_a_failed_run(
    world: World, log: EventLog, tmp_path: Path, parameters: dict[str, object], error: str
) -> None:
    event = trigger("steps", {"log": str(tmp_path / "log"), **parameters})
    async with running(world, step_timeout_seconds=1) as client:
        log.send(event)
        found = await ended(client, event.workflow_run_id)
        await until(_as_async(world.is_caught_up))
    assert (found["status"], found["error"].startswith(error), found["result"]) == ("failed", True, None)
    assert log.statuses()[event.workflow_run_id][-1].event_type == "workflow.failed"


async def test_progress_and_trace(world: World, log: EventLog, tmp_path: Path) -> None:
    event = trigger("steps", {"log": str(tmp_path / "log"), "seconds": 0.3})
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with running(world) as client:
        log.send(event, traceparent=traceparent)
        seen = []

        async def is_over() -> bool:
            answer = (await client.get(f"/workflows/{event.workflow_run_id}/status")).json()
            seen.append(answer.get("progress", 0))
            return bool(answer.get("status") == "succeeded")

        await until(is_over)
    assert seen == sorted(seen)
    assert len(set(seen)) > 4
    assert seen[-1] == 1


async def test_back_pressure(world: World, log: EventLog, tmp_path: Path) -> None:
    events = [trigger("steps", {"log": str(tmp_path / "log"), "seconds": 0.02, "name": str(n)}) for n in range(30)]
    log.send(*events)
    async with running(world, concurrency=2, backlog=4) as client:
        paused = set()

        async def is_over() -> bool:
            metrics = (await client.get("/metrics")).text
            paused.add("tradewind_agents_partitions_paused 1.0" in metrics)
            return 'status="succeeded",workflow_id="steps"} 30.0' in metrics

        await until(is_over, 60)
        await until(_as_async(world.is_caught_up))
    assert paused == {True, False}
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == len(set(lines)) == 150


async def test_a_failed_commit_is_sent_again(
    world: World, log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, failures = AgentEventConsumer._commit, list[int]()

    def fail_at_first(consumer: AgentEventConsumer, positions: dict[Partition, int], *, wait: bool) -> None:
        if len(failures) == 2:
            commit(consumer, positions, wait=wait)
            return
        # As librdkafka reports it when a rebalance overtakes an asynchronous commit.
        failures.append(1)
        failed = [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        consumer._on_commit(KafkaError(KafkaError.REBALANCE_IN_PROGRESS), failed)

    monkeypatch.setattr(AgentEventConsumer, "_commit", fail_at_first)
    event = trigger("steps", {"log": str(tmp_path / "log")})
    async with running(world) as client:
        log.send(event)
        await ended(client, event.workflow_run_id)
        await until(_as_async(world.is_caught_up))
    assert len(failures) == 2


def _as_async(check: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def call() -> object:
        return await asyncio.to_thread(check)

    return call
