"""Every producer of ours puts a key on the partition where Kafka's own (Java) clients put it."""

from typing import Any

import pytest
from confluent_kafka import Producer

from support.servers import new_topic
from support.topic_records import read_all
from tradewind_airflow.ingestion import settings as ingestion
from tradewind_airflow.lifecycle import settings as lifecycle
from tradewind_local.kafka import KafkaBroker
from tradewind_service.publisher import KafkaPublisher, PublisherLimits

PARTITIONS = 6
KEYS = [f"run-{number}".encode() for number in range(40)] + [b"21", b"foobar", "größe".encode()]


def murmur2(data: bytes) -> int:
    """`org.apache.kafka.common.utils.Utils.murmur2`, as an unsigned number."""
    mask, prime = 0xFFFFFFFF, 0x5BD1E995
    value = (0x9747B28C ^ len(data)) & mask
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * prime & mask
        k = (k ^ (k >> 24)) * prime & mask
        value = (value * prime & mask) ^ k
    if rest := data[whole:]:
        value = (value ^ int.from_bytes(rest, "little")) * prime & mask
    value = (value ^ (value >> 13)) * prime & mask
    return value ^ (value >> 15)


@pytest.mark.parametrize(("text", "signed"), [(b"21", -973932308), (b"foobar", -790332482), (b"abc", 479470107)])
def test_the_expectation_is_kafkas_own(text: bytes, signed: int) -> None:
    # Vectors of Kafka's UtilsTest.testMurmur2.
    assert murmur2(text) == signed & 0xFFFFFFFF


def configurations(connection: dict[str, Any]) -> dict[str, dict[str, Any]]:
    publisher = KafkaPublisher(connection, [], PublisherLimits(max_in_flight=100, delivery_timeout_ms=5000))
    return {
        "facade and agents": publisher._config,
        "dead letters": ingestion.producer_config(connection),
        "lifecycle": lifecycle.producer_config(connection),
    }


@pytest.mark.parametrize("name", ["facade and agents", "dead letters", "lifecycle"])
def test_a_key_is_on_the_partition_of_a_java_client(kafka_broker: KafkaBroker, name: str) -> None:
    topic = new_topic(kafka_broker, "placed", partitions=PARTITIONS)
    producer = Producer(configurations({"bootstrap.servers": kafka_broker.bootstrap_servers})[name])
    for key in KEYS:
        producer.produce(topic, b"{}", key)
    assert producer.flush(20) == 0
    placed = {message.key(): message.partition() for message in read_all(kafka_broker.bootstrap_servers, topic)}
    assert placed == {key: (murmur2(key) & 0x7FFFFFFF) % PARTITIONS for key in KEYS}
