"""The publisher on a real broker: the suite that its fake passes too, and what only a broker can show."""

import asyncio
import ctypes
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import KafkaError

from support.facade import until
from support.publisher_suite import MAX_IN_FLIGHT, PublisherSuite, record
from support.servers import new_topic
from support.topic_records import read_all
from tradewind_contracts.records import Record
from tradewind_local.kafka import KafkaBroker
from tradewind_service.publisher import DeliveryError, KafkaPublisher, NotQueuedError, PublisherLimits, RecordPosition


@dataclass
class KafkaSubject:
    publisher: KafkaPublisher
    bootstrap_servers: str
    topic: str

    async def publish(self, record: Record) -> RecordPosition:
        return await self.publisher.publish(self.topic, record)

    async def published(self) -> list[tuple[RecordPosition, Record]]:
        found = await asyncio.to_thread(read_all, self.bootstrap_servers, self.topic)
        return [
            (
                RecordPosition(message.partition(), message.offset()),
                Record(message.key(), message.value(), message.headers()),
            )
            for message in found
        ]

    async def close(self) -> None:
        await self.publisher.close()


@pytest.fixture
async def subject(kafka_broker: KafkaBroker) -> AsyncIterator[KafkaSubject]:
    servers = kafka_broker.bootstrap_servers
    topic = new_topic(kafka_broker, "published", partitions=6)
    publisher = KafkaPublisher(
        {"bootstrap.servers": servers}, [topic], PublisherLimits(MAX_IN_FLIGHT, delivery_timeout_ms=5000)
    )
    publisher.open()
    await until(lambda: publisher.ready and publisher.connected, 10)
    yield KafkaSubject(publisher, servers, topic)
    await publisher.close()


class TestKafkaPublisher(PublisherSuite):
    """The real one does what the fake does."""


async def test_a_key_lies_where_kafkas_own_clients_would_put_it(subject: KafkaSubject) -> None:
    # Kafka's own test vector (UtilsTest.testMurmur2): murmur2("21") = -973932308; its sign bit is masked.
    position = await subject.publish(record("21"))
    assert position.partition == (-973932308 & 0x7FFFFFFF) % 6


async def test_close_delivers_what_is_in_flight(subject: KafkaSubject) -> None:
    sent = [asyncio.create_task(subject.publish(record(f"run-{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    await subject.close()
    assert len(set(await asyncio.gather(*sent))) == 20


def raise_fatal_error(publisher: KafkaPublisher) -> None:
    """Put the producer into the state that a lost sequence leaves it in (KIP-98), by librdkafka's own test function."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    library.rd_kafka_test_fatal_error.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p]
    # The client's object begins with its reference count and its type; the next word is librdkafka's handle.
    handle = ctypes.c_void_p.from_address(id(publisher._producer) + 16)
    library.rd_kafka_test_fatal_error(handle, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, b"injected")


async def test_a_producer_with_a_fatal_error_is_replaced_and_no_caller_is_left_waiting(subject: KafkaSubject) -> None:
    broken = subject.publisher._producer
    sent = [asyncio.create_task(subject.publish(record(f"run-{n}"))) for n in range(20)]
    await asyncio.sleep(0)
    raise_fatal_error(subject.publisher)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
    assert all(isinstance(outcome, DeliveryError | RecordPosition) for outcome in outcomes)
    await until(lambda: subject.publisher._producer is not broken)
    assert await subject.publish(record("after"))
    assert subject.publisher.in_flight == 0


async def test_close_leaves_no_caller_waiting_for_a_broker_that_is_gone() -> None:
    limits = PublisherLimits(max_in_flight=10, delivery_timeout_ms=60_000)
    publisher = KafkaPublisher({"bootstrap.servers": "127.0.0.1:1"}, [], limits)
    publisher.open()
    sent = asyncio.create_task(publisher.publish("nowhere", record("r")))
    await asyncio.sleep(0)
    await publisher.close(0.1)
    async with asyncio.timeout(5):
        with pytest.raises(DeliveryError):
            await sent


async def test_without_a_broker_nothing_is_ready_and_close_does_not_hang() -> None:
    publisher = KafkaPublisher(
        {"bootstrap.servers": "127.0.0.1:1"}, ["nowhere"], PublisherLimits(max_in_flight=1, delivery_timeout_ms=300)
    )
    publisher.open()
    with pytest.raises(Exception, match="timed out"):
        await publisher.publish("nowhere", record("r"))
    assert not publisher.ready
    assert not publisher.connected
    await asyncio.wait_for(publisher.close(), 10)
    with pytest.raises(NotQueuedError):
        await publisher.publish("nowhere", record("r"))
