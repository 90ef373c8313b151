"""The Kafka exporter on a real broker, as the process that the stack runs."""

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from prometheus_client import CollectorRegistry

from support.exposition import Scrape
from support.servers import new_topic, unique
from tradewind_local.kafka import KafkaBroker
from tradewind_local.monitoring.kafka_exporter import KafkaCollector
from tradewind_local.ports import free_port
from tradewind_local.topics import admin

SILENT = logging.getLogger("lost-connections")
SILENT.disabled = True


@pytest.fixture(scope="module")
def url(kafka_broker: KafkaBroker) -> Iterator[str]:
    """A running exporter's metrics."""
    port = free_port()
    options = ["--bootstrap-servers", kafka_broker.bootstrap_servers, "--port", str(port)]
    process = subprocess.Popen([sys.executable, "-m", "tradewind_local.monitoring.kafka_exporter", *options])
    address = f"http://127.0.0.1:{port}/metrics"
    deadline = time.monotonic() + 30
    while not _answers(address):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield address
    process.terminate()
    assert process.wait(10) == 0


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False, timeout=10).is_success
    except httpx.TransportError:
        return False


def read(broker: KafkaBroker, topic: str, group: str, protocol: str, count: int) -> Consumer:
    """A member that has committed `count` records of the topic and stays."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": group,
            "group.protocol": protocol,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    for _ in range(count):
        record = consumer.poll(30)
        assert record is not None
        assert record.error() is None
        consumer.commit(message=record, asynchronous=False)
    return consumer


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_lag_members_and_offsets_of_a_group(kafka_broker: KafkaBroker, url: str, protocol: str) -> None:
    topic, group = new_topic(kafka_broker), unique("group")
    producer = Producer({"bootstrap.servers": kafka_broker.bootstrap_servers})
    for number in range(5):
        producer.produce(topic, str(number).encode())
    assert producer.flush(30) == 0
    consumer = read(kafka_broker, topic, group, protocol, count=2)
    scrape = Scrape.of(url)
    place = {"topic": topic, "partition": "0"}
    assert scrape.value("kafka_topic_partition_current_offset", **place) == 5
    assert scrape.value("kafka_consumergroup_current_offset", consumergroup=group, **place) == 2
    assert scrape.value("kafka_consumergroup_lag_sum", consumergroup=group, topic=topic) == 3
    assert scrape.value("kafka_consumergroup_members", consumergroup=group) == 1
    consumer.close()
    scrape = Scrape.of(url)
    assert scrape.value("kafka_consumergroup_members", consumergroup=group) == 0
    assert scrape.value("kafka_consumergroup_lag_sum", consumergroup=group, topic=topic) == 3


def test_the_cluster(kafka_broker: KafkaBroker, url: str) -> None:
    scrape = Scrape.of(url)
    assert scrape.value("kafka_brokers") == 1
    assert scrape.value("kafka_broker_info", id="1", address=kafka_broker.bootstrap_servers) == 1
    assert scrape.value("kafka_topic_partitions", topic="workflow-events") == 6
    assert scrape.value("kafka_topic_partition_leader", topic="workflow-events", partition="5") == 1


def test_groups_are_seen_again_after_the_broker_was_killed(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        topic = new_topic(broker)
        consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g"}, logger=SILENT)
        consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
        registry = CollectorRegistry()
        registry.register(KafkaCollector(partial(admin, broker.bootstrap_servers), timeout=2))
        assert committed(registry, topic) == 0
        broker.kill()
        assert committed(registry, topic) is None
        broker.start()
        deadline = time.monotonic() + 60
        while committed(registry, topic) is None:
            assert time.monotonic() < deadline
        consumer.close()


def committed(registry: CollectorRegistry, topic: str) -> float | None:
    labels = {"consumergroup": "g", "topic": topic, "partition": "0"}
    return registry.get_sample_value("kafka_consumergroup_current_offset", labels)
