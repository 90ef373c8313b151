"""The lifecycle's tail reads and writes of the status topic, on real Kafka."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer

from support.lifecycle_suite import TopicSuite, foreign, record
from support.servers import new_topic
from support.topic_records import read_all
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.lifecycle.status_topic import StatusTopic
from tradewind_contracts.records import Record
from tradewind_local.kafka import KafkaBroker


@dataclass
class RealTopic:
    """A topic of a broker, and another producer on it."""

    topic: StatusTopic
    bootstrap_servers: str
    name: str

    def __post_init__(self) -> None:
        self._other = Producer({"bootstrap.servers": self.bootstrap_servers, "partitioner": "murmur2_random"})

    def append(self, one: Record) -> None:
        self._other.produce(self.name, one.value, one.key, headers=list(one.headers))

    def records(self) -> list[Record]:
        self._other.flush(10)
        found = read_all(self.bootstrap_servers, self.name)
        return [Record(one.key(), one.value(), one.headers()) for one in found]


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


def topic_of(broker: KafkaBroker, name: str) -> StatusTopic:
    return StatusTopic({"bootstrap.servers": broker.bootstrap_servers}, LifecycleSettings(topic=name))


class FlushedTopic(StatusTopic):
    """Sees what the other producer wrote: the suite's writers are one after the other."""

    other: Producer

    def tail(self, stop: threading.Event):  # type: ignore[no-untyped-def]  # as the parent's
        self.other.flush(10)
        return super().tail(stop)


class TestStatusTopic(TopicSuite):
    @pytest.fixture
    def subject(self, kafka_broker: KafkaBroker) -> Iterator[RealTopic]:
        name = new_topic(kafka_broker, "status", partitions=3)
        topic = FlushedTopic({"bootstrap.servers": kafka_broker.bootstrap_servers}, LifecycleSettings(topic=name))
        real = RealTopic(topic, kafka_broker.bootstrap_servers, name)
        topic.other = real._other
        yield real
        topic.close()


def test_a_write_waits_for_the_broker_and_warns_once(
    tmp_path: Path, stop: threading.Event, caplog: pytest.LogCaptureFixture
) -> None:
    with KafkaBroker(tmp_path) as broker:
        name = new_topic(broker, "status", partitions=3)
        topic = topic_of(broker, name)
        assert topic.write([record("run-a", "c", n) for n in range(5)], stop)
        broker.kill()
        written: list[bool] = []
        more = [record("run-a", "c", n) for n in range(5, 10)]
        thread = threading.Thread(target=lambda: written.append(topic.write(more, stop)))
        thread.start()
        time.sleep(6)
        assert written == []
        broker.start()
        thread.join(30)
        assert written == [True]
        values = [one.value() for one in read_all(broker.bootstrap_servers, name)]
        assert values == [record("run-a", "c", n).value for n in range(10)]
        topic.close()
    told = [line for line in caplog.records if line.levelname == "WARNING"]
    assert len(told) == 1, [line.getMessage() for line in told]
    assert "works again" in caplog.text


def test_a_stop_ends_a_write_that_waits_for_the_broker(tmp_path: Path, stop: threading.Event) -> None:
    with KafkaBroker(tmp_path) as broker:
        topic = topic_of(broker, new_topic(broker, "status"))
        assert topic.write([record("run", "c")], stop)
        broker.kill()
        threading.Timer(1, stop.set).start()
        start = time.monotonic()
        assert topic.write([record("run", "c", 1)], stop) is False
        topic.close()
        assert time.monotonic() - start < 3


def test_what_was_stopped_is_not_sent_later(tmp_path: Path, stop: threading.Event) -> None:
    with KafkaBroker(tmp_path) as broker:
        name = new_topic(broker, "status")
        topic = topic_of(broker, name)
        assert topic.write([record("run", "c")], stop)
        broker.kill()
        threading.Timer(1, stop.set).start()
        topic.write([record("run", "c", 1)], stop)
        topic.close()
        broker.start()
        time.sleep(3)
        assert len(read_all(broker.bootstrap_servers, name)) == 1


def test_a_full_queue_costs_time_only(kafka_broker: KafkaBroker, stop: threading.Event) -> None:
    name = new_topic(kafka_broker, "status", partitions=3)
    connection = {"bootstrap.servers": kafka_broker.bootstrap_servers, "queue.buffering.max.messages": 10}
    topic = StatusTopic(connection, LifecycleSettings(topic=name))
    assert topic.write([record(f"run-{n}", "c") for n in range(500)], stop)
    assert len(read_all(kafka_broker.bootstrap_servers, name)) == 500
    topic.close()


def test_a_topic_that_is_not_there_is_an_error(kafka_broker: KafkaBroker, stop: threading.Event) -> None:
    connection = {"bootstrap.servers": kafka_broker.bootstrap_servers, "topic.metadata.propagation.max.ms": 1000}
    topic = StatusTopic(connection, LifecycleSettings(topic="nobody-made-it"))
    with pytest.raises(KafkaException):
        topic.tail(stop)
    with pytest.raises(KafkaException):
        topic.write([record("run", "c")], stop)
    topic.close()


def test_the_tail_of_a_large_topic_is_found_quickly(kafka_broker: KafkaBroker, stop: threading.Event) -> None:
    name = new_topic(kafka_broker, "status", partitions=6)
    topic = topic_of(kafka_broker, name)
    topic.write([record("run", "ours")], stop)
    other = Producer({"bootstrap.servers": kafka_broker.bootstrap_servers, "linger.ms": 20})
    for n in range(100_000):
        one = foreign(f"agent-{n % 1000}")
        other.produce(name, one.value, one.key, headers=list(one.headers))
        other.poll(0)
    other.flush(30)
    start = time.monotonic()
    assert [checkpoint.cursor for checkpoint in topic.tail(stop)] == ["ours"]
    assert time.monotonic() - start < 20
    topic.close()
