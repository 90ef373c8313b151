"""What the Kafka exporter makes of a reading."""

import pytest
from confluent_kafka import KafkaException
from prometheus_client import CollectorRegistry, generate_latest

from tradewind_local.monitoring import kafka_exporter
from tradewind_local.monitoring.kafka_exporter import KafkaCollector, families
from tradewind_local.monitoring.kafka_reading import UNCOMMITTED, Group, Partition, Reading
from tradewind_local.topics import admin

# Names and labels of danielqsj/kafka_exporter v1.9 (kafka_exporter.go, `setup`).
ITS_NAMES = {
    "kafka_brokers": (),
    "kafka_broker_info": ("id", "address"),
    "kafka_topic_partitions": ("topic",),
    "kafka_topic_partition_current_offset": ("topic", "partition"),
    "kafka_topic_partition_oldest_offset": ("topic", "partition"),
    "kafka_topic_partition_leader": ("topic", "partition"),
    "kafka_topic_partition_replicas": ("topic", "partition"),
    "kafka_topic_partition_in_sync_replica": ("topic", "partition"),
    "kafka_topic_partition_leader_is_preferred": ("topic", "partition"),
    "kafka_topic_partition_under_replicated_partition": ("topic", "partition"),
    "kafka_consumergroup_current_offset": ("consumergroup", "topic", "partition"),
    "kafka_consumergroup_current_offset_sum": ("consumergroup", "topic"),
    "kafka_consumergroup_lag": ("consumergroup", "topic", "partition"),
    "kafka_consumergroup_lag_sum": ("consumergroup", "topic"),
    "kafka_consumergroup_members": ("consumergroup",),
}

READING = Reading(
    brokers={1: "one:9092", 2: "two:9092"},
    partitions={
        ("t", 0): Partition(1, (1, 2), (1,)),
        ("t", 1): Partition(None, (2, 1), ()),
        ("u", 0): Partition(2, (1,), (2,)),
    },
    latest={("t", 0): 10, ("u", 0): 7},
    oldest={("t", 0): 3, ("u", 0): 7},
    groups={
        "reader": Group(2, {("t", 0): 6, ("t", 1): UNCOMMITTED, ("u", 0): UNCOMMITTED}),
        "idle": Group(0, {}),
        "halfway": Group(1, {("t", 0): 10, ("u", 0): 5}),
    },
)


def samples(reading: Reading) -> dict[tuple[str, ...], float]:
    """Values by name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families(reading)
        for sample in family.samples
    }


def test_the_names_and_labels_are_those_of_the_exporter_that_it_stands_in_for() -> None:
    found = {family.name: tuple(family._labelnames) for family in families(READING)}
    assert found == ITS_NAMES


def test_brokers_and_topics() -> None:
    found = samples(READING)
    assert found["kafka_brokers",] == 2
    assert found["kafka_broker_info", "2", "two:9092"] == 1
    assert found["kafka_topic_partitions", "t"] == 2
    assert found["kafka_topic_partition_current_offset", "t", "0"] == 10
    assert found["kafka_topic_partition_oldest_offset", "t", "0"] == 3


def test_a_partition_without_a_leader_has_no_leader_series_and_no_offset() -> None:
    found = samples(READING)
    assert found["kafka_topic_partition_replicas", "t", "1"] == 2
    assert ("kafka_topic_partition_leader", "t", "1") not in found
    assert ("kafka_topic_partition_current_offset", "t", "1") not in found


def test_replicas_out_of_sync_and_leaders_that_are_not_preferred() -> None:
    found = samples(READING)
    under = "kafka_topic_partition_under_replicated_partition"
    assert [found[under, "t", "0"], found[under, "u", "0"]] == [1, 0]
    preferred = "kafka_topic_partition_leader_is_preferred"
    assert [found[preferred, "t", "0"], found[preferred, "t", "1"], found[preferred, "u", "0"]] == [1, 0, 0]


def test_the_lag_leaves_out_what_was_never_committed() -> None:
    found = samples(READING)
    assert found["kafka_consumergroup_lag", "reader", "t", "0"] == 4
    assert found["kafka_consumergroup_lag_sum", "reader", "t"] == 4
    assert found["kafka_consumergroup_current_offset", "reader", "t", "1"] == -1
    assert found["kafka_consumergroup_current_offset_sum", "reader", "t"] == 6
    assert ("kafka_consumergroup_lag_sum", "reader", "u") not in found, "the group has read nothing of that topic"
    assert found["kafka_consumergroup_lag_sum", "halfway", "u"] == 2
    assert found["kafka_consumergroup_lag_sum", "halfway", "t"] == 0


def test_groups_without_members_are_shown() -> None:
    assert samples(READING)["kafka_consumergroup_members", "idle"] == 0


def test_without_a_broker_there_are_none(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def nobody(*_: object) -> Reading:
        raise KafkaException("no answer")

    monkeypatch.setattr(kafka_exporter, "read", nobody)
    registry = CollectorRegistry()
    registry.register(KafkaCollector(lambda: admin("127.0.0.1:9")))
    text = generate_latest(registry).decode()
    assert "kafka_brokers 0.0" in text
    assert "kafka_topic_partition_leader{" not in text
    assert "no broker answers" in caplog.text
