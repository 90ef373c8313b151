"""The consumer's loop. One thread owns all of it; Kafka's callbacks run inside its `poll`."""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from airflow.observability import stats
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.backlog import Backlog, Entry
from tradewind_airflow.ingestion.settlement import Settlement
from tradewind_contracts.workflows import MAX_BATCH_ITEMS
from tradewind_service import received_records
from tradewind_service.offset_tracker import Partition

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""The longest that a stop has to wait while nothing comes."""

BATCH_BYTES = 6 * 1024 * 1024
"""Of records in one call: well below what the plugin takes, as their JSON may grow a little on the way."""


class EventConsumer:
    """Reads events, has them settled, and commits what is.

    Partitions with records that wait are paused, and all of them while something is down; `poll` goes on, so that the
    group keeps its member (`max.poll.interval.ms`) and rebalances are served.
    """

    def __init__(
        self, consumer: Consumer, settlement: Settlement, topic: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._consumer = consumer
        self._settlement = settlement
        self._topic = topic
        self._clock = clock
        self._backlog = Backlog()
        self._assigned: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._is_down = False

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Raises `KafkaException` for what another consumer object has to cure."""
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        while not stop.is_set():
            self._take()
            self._settle()
            self._commit()
            self._pace()

    def _take(self) -> None:
        first = self._consumer.poll(self._patience())
        if first is not None:
            # What else has arrived comes along, without waiting for more.
            for message in [first, *self._consumer.consume(MAX_BATCH_ITEMS - 1, 0)]:
                self._add(message)

    def _patience(self) -> float:
        due = self._backlog.next_due()
        return POLL_SECONDS if due is None else min(POLL_SECONDS, max(0.0, due - self._clock()))

    def _add(self, message: Message) -> None:
        if error := message.error():
            _report(error)
            return
        record = received_records.from_message(message)
        self._backlog.track(Entry.of(record, decisions.read(record)))

    def _settle(self) -> None:
        entries = self._backlog.due(self._clock(), MAX_BATCH_ITEMS, BATCH_BYTES)
        if entries:
            self._is_down = not self._settlement.settle(entries)

    def _commit(self) -> None:
        positions = self._backlog.committable()
        if not positions:
            return
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            # The runs exist; at worst the same events come again, and are answered by "exists".
            logger.warning("offsets could not be committed: %s. Trying again with the next ones", error)
            stats.incr("tradewind.ingestion.commits", tags={"outcome": "failed"})
            return
        stats.incr("tradewind.ingestion.commits", tags={"outcome": "done"})
        self._backlog.committed(positions)

    def _pace(self) -> None:
        waiting = self._backlog.waiting() & self._assigned
        # What was down is only found out by another attempt, and without entries there is none.
        self._is_down = self._is_down and bool(waiting)
        wanted = self._assigned if self._is_down else waiting
        if wanted == self._paused:
            return
        self._consumer.resume(_partitions(self._paused - wanted))
        self._consumer.pause(_partitions(wanted - self._paused))
        self._paused = set(wanted)

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        places = _places(partitions)
        self._assigned |= places
        logger.info("assigned: %s", _names(places))

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # What was settled is committed; the rest is read again by the next owner, and its runs are found to exist.
        places = _places(partitions)
        # The client would remember a pause, and this member may get the partition back.
        with suppress(KafkaException):
            self._consumer.resume(_partitions(self._paused & places))
        self._assigned -= places
        self._paused -= places
        self._backlog.drop(places)
        logger.info("revoked: %s", _names(places))


def _report(error: KafkaError) -> None:
    if error.fatal():
        raise KafkaException(error)
    logger.warning("Kafka: %s. The client goes on trying; see that broker and topic are there", error)


def _places(partitions: Iterable[TopicPartition]) -> set[Partition]:
    return {(partition.topic, partition.partition) for partition in partitions}


def _partitions(places: Iterable[Partition]) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for topic, partition in places]


def _names(places: Iterable[Partition]) -> str:
    return ", ".join(f"{topic}[{partition}]" for topic, partition in sorted(places)) or "nothing"
