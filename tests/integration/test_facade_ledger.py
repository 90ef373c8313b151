"""The ledger view on a real broker: what the facade knows is what the topics say, whenever it was started."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Message
from confluent_kafka.cimpl import NewPartitions

from support.facade import trigger_body, until
from support.facade_kafka import StubEngines, World
from support.servers import TopicSet, new_topic_set, unique
from tradewind_api import ledger_reader
from tradewind_api.ledger import LedgerIndex
from tradewind_contracts import dead_letters, records, run_ids
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import StatusPayload, WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.topics import Topic
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_local.kafka import KafkaBroker
from tradewind_local.topics import admin, create_topics
from tradewind_service.received_records import ReceivedRecord

HOUR_MS = 60 * 60 * 1000
KEY = {"idempotency-key": "order-77"}


@pytest.fixture(scope="module")
def engines() -> Iterator[StubEngines]:
    with StubEngines().listening() as found:
        yield found


@pytest.fixture
def world(kafka_broker: KafkaBroker, engines: StubEngines) -> World:
    return World(kafka_broker.bootstrap_servers, new_topic_set(kafka_broker), engines)


def triggered(run_id: str) -> records.Record:
    event = WorkflowTriggered(
        source="test", workflow_id="recon", workflow_type=WorkflowType.AIRFLOW, workflow_run_id=run_id
    )
    return records.encode(event)


def running(run_id: str) -> records.Record:
    event = WorkflowStatusChanged(
        event_type="workflow.running",
        source="airflow",
        workflow_id="recon",
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_id,
        payload=StatusPayload(status=RunStatus.RUNNING, progress=0.5),
    )
    return records.encode(event)


def rejected(topic: str, run_id: str, offset: int) -> records.Record:
    original = triggered(run_id)
    letter = DeadLetter(
        reason="unknown-workflow",
        detail="its DAG was deleted",
        topic=topic,
        partition=0,
        offset=offset,
        consumer_group="tradewind-airflow",
        dead_lettered_at=datetime.now(UTC),
        workflow_run_id=run_id,
    )
    return records.Record(original.key, original.value, dead_letters.headers(letter, original.headers))


async def test_a_restarted_facade_knows_the_keys_of_the_one_before(world: World) -> None:
    async with world.running() as client:
        first = await client.post("/workflows/trigger", json=trigger_body(), headers=KEY)
    async with world.running() as client:
        again = await client.post("/workflows/trigger", json=trigger_body(), headers=KEY)
        conflict = await client.post("/workflows/trigger", json=trigger_body(priority=9), headers=KEY)
        status = await client.get(first.headers["location"])
    assert again.json() == first.json() | {"deduplicated": True}
    assert conflict.status_code == 422
    assert status.json()["status"] == "triggered"
    assert len(world.events()) == 1


async def test_a_dead_letter_shows_as_rejected_and_a_status_as_last_known(world: World) -> None:
    lost, down = run_ids.new(), run_ids.new()
    async with world.running() as client:
        world.produce(world.topics.events, triggered(lost), partition=0)
        world.produce(world.topics.dead_letters, rejected(world.topics.events, lost, 0))
        world.produce(world.topics.status, running(down))

        async def status(run_id: str) -> tuple[str, bool, str | None]:
            body = (await client.get(f"/workflows/{run_id}/status")).json()
            return body.get("status"), body.get("stale"), body.get("error")

        async def both() -> bool:
            known = ("rejected", False, "unknown-workflow: its DAG was deleted"), ("running", True, None)
            return (await status(lost), await status(down)) == known

        await until(both, 10)


async def test_what_is_older_than_the_window_is_not_read(world: World) -> None:
    now = int(time.time() * 1000)
    old, young, next_to_old = run_ids.new(), run_ids.new(), run_ids.new()
    world.produce(world.topics.events, triggered(old), partition=1, timestamp=now - 3 * HOUR_MS)
    world.produce(world.topics.events, triggered(young), partition=2, timestamp=now - HOUR_MS)
    async with world.running(ledger_window_hours=2) as client:
        # Partition 1 has nothing of the window: it is read from its end on, and what comes there is seen.
        world.produce(world.topics.events, triggered(next_to_old), partition=1)

        async def status_code(run_id: str) -> int:
            return (await client.get(f"/workflows/{run_id}/status")).status_code

        async def is_seen() -> bool:
            return await status_code(next_to_old) == 200

        await until(is_seen, 10)
        assert (await status_code(young), await status_code(old)) == (200, 404)


async def test_records_that_are_nothing_of_ours_are_read_over(world: World) -> None:
    for topic in (world.topics.events, world.topics.status, world.topics.dead_letters):
        world.produce(topic, records.Record(b"\xff", b"\xff\xfe", [("ce_type", b"\xff")]), partition=0)
    run_id = run_ids.new()
    world.produce(world.topics.events, triggered(run_id), partition=0)
    async with world.running() as client:
        assert (await client.get(f"/workflows/{run_id}/status")).json()["status"] == "triggered"


async def test_the_facade_waits_for_its_topics(kafka_broker: KafkaBroker, engines: StubEngines) -> None:
    names = TopicSet(unique("events"), unique("status"), unique("dlq"))
    world = World(kafka_broker.bootstrap_servers, names, engines)
    async with world.running(wait=False) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, "ledger" in answer.json()["waiting_for"]) == (503, True)
        topics = [Topic(name, 1, HOUR_MS) for name in (names.events, names.status, names.dead_letters)]
        create_topics(kafka_broker.bootstrap_servers, topics)

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready, 20)


async def test_partitions_that_come_later_are_read_too(world: World) -> None:
    run_id, topic, broker = run_ids.new(), world.topics.status, admin(world.bootstrap_servers)
    async with world.running(ledger_look_around_seconds=0.2) as client:
        broker.create_partitions([NewPartitions(topic, 8)])[topic].result(10)

        async def is_seen() -> bool:
            return (await client.get(f"/workflows/{run_id}/status")).status_code == 200

        def is_there() -> bool:
            return len(broker.list_topics(topic).topics[topic].partitions) == 8

        await until(is_there, 10)
        world.produce(topic, running(run_id), partition=7)
        await until(is_seen, 10)


def reader_of(
    world: World, feed: ledger_reader.Feed, index: LedgerIndex, records: int = 1000
) -> ledger_reader.LedgerReader:
    config = {"bootstrap.servers": world.bootstrap_servers}
    window = ledger_reader.Window(timedelta(hours=1), records)
    return ledger_reader.LedgerReader(config, {world.topics.events: feed}, index, window, refresh_seconds=0.2)


@asynccontextmanager
async def reading(reader: ledger_reader.LedgerReader) -> AsyncIterator[None]:
    reader.open()
    await until(lambda: reader.caught_up, 20)
    yield
    await reader.close()


def small_index() -> LedgerIndex:
    return LedgerIndex("events", max_runs=10, max_bytes=1000)


async def test_a_record_that_breaks_us_is_left_out_and_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[bytes | None] = []

    def feed(_: LedgerIndex, record: ReceivedRecord) -> None:
        seen.append(record.key)
        if record.key == b"bad":
            raise RuntimeError("what nobody foresaw")

    for key in (b"good", b"bad", b"next"):
        world.produce(world.topics.events, records.Record(key, b"{}", []), partition=0)
    async with reading(reader_of(world, feed, small_index())):
        assert seen == [b"good", b"bad", b"next"]
    assert "skipped the record" in caplog.text


async def test_topics_that_were_deleted_and_made_again_are_read_again(world: World) -> None:
    seen: set[bytes | None] = set()
    broker, topic = admin(world.bootstrap_servers), world.topics.events

    def feed(_: LedgerIndex, record: ReceivedRecord) -> None:
        seen.add(record.key)

    async with reading(reader_of(world, feed, small_index())):
        broker.delete_topics([topic])[topic].result(10)
        await until(lambda: topic not in broker.list_topics().topics, 10)
        create_topics(world.bootstrap_servers, [Topic(topic, 2, HOUR_MS)])
        world.produce(topic, records.Record(b"after", b"{}", []), partition=1)
        await until(lambda: b"after" in seen, 30)


async def test_a_reader_that_breaks_begins_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[bytes | None] = set()
    take, broken = ledger_reader.LedgerReader._take, [True]

    def break_once(reader: ledger_reader.LedgerReader, message: Message | None) -> None:
        if message is not None and broken:
            broken.clear()
            raise RuntimeError("what nobody foresaw")
        take(reader, message)

    monkeypatch.setattr(ledger_reader.LedgerReader, "_take", break_once)
    world.produce(world.topics.events, records.Record(b"first", b"{}", []), partition=0)
    async with reading(reader_of(world, lambda _, record: seen.add(record.key), small_index())):
        assert seen == {b"first"}
        assert not broken


async def test_of_more_records_than_the_bound_the_last_ones_are_read(world: World) -> None:
    seen: set[tuple[bytes | None, int]] = set()
    topic, partitions = (
        world.topics.events,
        len(admin(world.bootstrap_servers).list_topics().topics[world.topics.events].partitions),
    )
    world.produce_all(topic, [records.Record(b"full", b"{}", [])] * 500, partition=0)
    world.produce_all(topic, [records.Record(b"empty", b"{}", [])] * 3, partition=1)

    def feed(_: LedgerIndex, record: ReceivedRecord) -> None:
        seen.add((record.key, record.offset))

    async with reading(reader_of(world, feed, small_index(), records=20 * partitions)):
        full = {(b"full", offset) for offset in range(480, 500)}
        assert seen == full | {(b"empty", offset) for offset in range(3)}


async def test_a_restarted_facade_knows_the_last_runs_of_a_full_topic(world: World) -> None:
    run_ids_in_order = [run_ids.new() for _ in range(400)]
    world.produce_all(world.topics.events, [triggered(run_id) for run_id in run_ids_in_order])
    world.produce_all(world.topics.status, [running(run_id) for run_id in run_ids_in_order for _ in range(2)])
    async with world.running(ledger_max_runs=20) as client:
        newest, oldest = run_ids_in_order[-1], run_ids_in_order[0]
        statuses = [await client.get(f"/workflows/{run_id}/status") for run_id in (newest, oldest)]
    assert [answer.status_code for answer in statuses] == [200, 404]
    assert statuses[0].json()["status"] == "running"
