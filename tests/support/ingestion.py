"""A running ingestion thread, on own topics and with own connections, and what it left behind."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from support import worker_thread
from support.airflow_server import AirflowServer
from support.servers import TopicSet, unique
from support.topic_records import end_offset, read_all
from tradewind_airflow.ingestion.settings import IngestionSettings
from tradewind_airflow.ingestion.worker import IngestionWorker
from tradewind_contracts import dead_letters, records
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import Event

T = TypeVar("T")

PATIENCE = 2.0


def until(check: Callable[[], T], timeout: float = 30) -> T:
    """What `check` returns as soon as it is true; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (found := check()):
        assert time.monotonic() < deadline, f"still {found!r} after {timeout} s"
        time.sleep(0.05)
    return found


@dataclass
class Ingestion:
    """Topics, connections and group of one test's ingestion; `running` starts its thread."""

    bootstrap_servers: str
    server: AirflowServer
    topics: TopicSet
    group: str = field(default_factory=lambda: unique("group"))
    kafka_extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": self.bootstrap_servers, "linger.ms": 0})

    @property
    def settings(self) -> IngestionSettings:
        """What its trigger would be made of."""
        return IngestionSettings(
            topic=self.topics.events,
            dead_letter_topic=self.topics.dead_letters,
            group_id=self.group,
            unavailable_patience=PATIENCE,
        )

    @property
    def connections(self) -> dict[str, str]:
        """The environment variables of its Airflow connections."""
        return worker_thread.connections(self.server, self.bootstrap_servers, **self.kafka_extra)

    @contextmanager
    def running(self) -> Iterator[IngestionWorker]:
        """Run the thread; on leaving it has to end within seconds, and without an error."""
        make = partial(IngestionWorker, self.settings)
        with worker_thread.running(make, self.connections, 20) as worker:
            yield worker

    def send(self, *events: Event) -> None:
        """Produce events, each acknowledged."""
        for event in events:
            record = records.encode(event)
            self.producer.produce(self.topics.events, record.value, record.key, headers=list(record.headers))
        assert self.producer.flush(20) == 0

    def send_raw(self, value: bytes | None, key: bytes = b"key") -> None:
        """Produce any record, acknowledged."""
        self.producer.produce(self.topics.events, value, key, headers=[("x-origin", b"test")])
        assert self.producer.flush(20) == 0

    def run_count(self, *run_ids: str) -> int:
        """How many rows these run ids have in `dag_run`."""
        return len(self.server.rows("SELECT 1 FROM dag_run WHERE run_id = ANY(%s)", list(run_ids)))

    def lag(self) -> int:
        """How many records are not committed, every partition from its beginning."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers})
        partitions = admin.list_topics(self.topics.events, timeout=10).topics[self.topics.events].partitions
        places = [TopicPartition(self.topics.events, number) for number in partitions]
        request = [ConsumerGroupTopicPartitions(self.group, places)]
        committed = next(iter(admin.list_consumer_group_offsets(request).values())).result(10).topic_partitions
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "lag"})
        try:
            ends = [end_offset(consumer, place) for place in places]
        finally:
            consumer.close()
        return sum(end - max(0, place.offset) for end, place in zip(ends, committed, strict=True))

    def letters(self) -> list[DeadLetter]:
        """The dead letters so far."""
        found = [dead_letters.read(message.headers()) for message in self.dead_records()]
        return [letter for letter in found if letter]

    def dead_records(self) -> list[Any]:
        """The records of the dead-letter topic so far."""
        return read_all(self.bootstrap_servers, self.topics.dead_letters)

    def members(self) -> int:
        """How many consumers the group has."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap_servers})
        described = admin.describe_consumer_groups([self.group])[self.group].result(10)
        return len(described.members)
