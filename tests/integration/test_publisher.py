"""The publisher on a real broker: the suite that its fake passes too, and what only a broker can show."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from confluent_kafka import KafkaError

from support.facade import until
from support.publisher_suite import MAX_IN_FLIGHT, PublisherSuite, record
from support.servers import new_topic
from support.topic_records import read_all
from tradewind_contracts.records import Record
from tradewind_local.kafka import KafkaBroker
from tradewind_service.publisher import KafkaPublisher, PublisherLimits, RecordPosition, RefusedError


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


async def test_a_producer_that_lost_its_sequence_is_replaced(subject: KafkaSubject) -> None:
    broken = subject.publisher._producer
    subject.publisher._on_error(KafkaError(KafkaError._FATAL, "out of order", fatal=True))
    await until(lambda: subject.publisher._producer is not broken)
    assert await subject.publish(record("after"))


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
    with pytest.raises(RefusedError):
        await publisher.publish("nowhere", record("r"))
