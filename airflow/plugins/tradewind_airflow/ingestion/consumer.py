"""The consumer's loop. One thread owns all of it; Kafka's callbacks run inside its `poll`."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from airflow.observability import stats
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.backlog import Backlog, Entry
from tradewind_airflow.ingestion.record_processor import Processed
from tradewind_contracts.workflows import MAX_BATCH_ITEMS
from tradewind_service import received_records
from tradewind_service.offset_tracker import Partition

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
"""The longest that a stop has to wait while nothing comes."""

READ_AHEAD_SECONDS = 0.01
"""How often Kafka is asked for more while a batch is in flight: its client cannot wait for both."""

READ_AHEAD_RECORDS = 100
"""How many are decoded before the batch in flight is looked at again: some milliseconds' work."""

FULL_SECONDS = 1.0
"""How long the group is not served when a batch's worth was read ahead; then the client is paused, and polled again."""

LEAVE_SECONDS = 10.0
"""How long a stop waits for the batch in flight: less than `WorkflowEventsTrigger.leave_seconds`."""

BATCH_BYTES = 6 * 1024 * 1024
"""Of records in one call: well below what the plugin takes, as their JSON may grow a little on the way."""


@dataclass
class _Batch:
    entries: Sequence[Entry]
    result: Future[Processed]
    is_slow: bool = False
    """Whether the client is paused, as no more may be read ahead."""


class EventConsumer:
    """Reads events, has them processed on another thread, and commits what is done.

    While one batch is in flight, the next is read and decoded. Partitions with records that have to be tried again are
    paused, and all of them while something is down or a batch takes long; `poll` goes on, so that the group keeps its
    member (`max.poll.interval.ms`) and rebalances are served. Results for partitions that were revoked are ignored.
    """

    def __init__(
        self,
        consumer: Consumer,
        process: Callable[[Sequence[Entry]], Future[Processed]],
        topic: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._consumer = consumer
        self._process = process
        self._topic = topic
        self._clock = clock
        self._backlog = Backlog()
        self._batch: _Batch | None = None
        self._assigned: set[Partition] = set()
        self._paused: set[Partition] = set()
        self._retry_at: float | None = None

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Raises what a batch raised, and `KafkaException`, which a new consumer may cure."""
        self._consumer.subscribe(
            [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        while not stop.is_set():
            self._read()
            self._advance()
            self._pace()
        self._leave()

    def _read(self) -> None:
        """Read what has arrived; wait for more, or for the batch in flight."""
        room = MAX_BATCH_ITEMS - self._backlog.read_ahead()
        # When all is paused there are only callbacks to serve.
        may_poll = room > 0 or self._paused == self._assigned
        most = READ_AHEAD_RECORDS if self._batch else MAX_BATCH_ITEMS
        if may_poll and self._take(max(1, min(room, most))):
            return
        if self._batch:
            futures.wait([self._batch.result], READ_AHEAD_SECONDS if room > 0 else FULL_SECONDS)
            self._batch.is_slow = room <= 0 and not self._batch.result.done()

    def _take(self, count: int) -> bool:
        first = self._consumer.poll(self._patience())
        if first is not None:
            # What else has arrived comes along, without waiting for more.
            for message in [first, *self._consumer.consume(count - 1, 0)]:
                self._add(message)
        return first is not None

    def _patience(self) -> float:
        if self._batch:
            return 0.0
        due = max(self._backlog.next_due(), self._retry_at or 0.0)
        return min(POLL_SECONDS, max(0.0, due - self._clock()))

    def _add(self, message: Message) -> None:
        if error := message.error():
            _report(error)
            return
        record = received_records.from_message(message)
        self._backlog.track(Entry.of(record, decisions.read(record)))

    def _advance(self) -> None:
        """Take the result of the batch in flight, send the next one, and do meanwhile what can wait."""
        processed = self._finished(self._batch) if self._batch and self._batch.result.done() else None
        if self._batch is None:
            self._send()
        if processed:
            processed.report()
        self._commit()

    def _finished(self, batch: _Batch) -> Processed:
        self._batch = None
        processed = batch.result.result()
        self._backlog.end(batch.entries)
        self._retry_at = processed.retry_at
        return processed

    def _send(self) -> None:
        now = self._clock()
        if self._retry_at is not None and now < self._retry_at:
            return
        if entries := self._backlog.due(now, MAX_BATCH_ITEMS, BATCH_BYTES):
            self._backlog.begin(entries)
            self._batch = _Batch(entries, self._process(entries))

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
        # That something is up again is only found out by another attempt, and without entries there is none.
        if not any(entry.partition in self._assigned for entry in self._backlog.unfinished()):
            self._retry_at = None
        is_slow = self._batch is not None and self._batch.is_slow
        wanted = self._assigned if self._retry_at is not None or is_slow else self._backlog.waiting() & self._assigned
        if wanted == self._paused:
            return
        self._consumer.resume(_partitions(self._paused - wanted))
        self._consumer.pause(_partitions(wanted - self._paused))
        self._paused = set(wanted)

    def _leave(self) -> None:
        """Commit the batch in flight if it is done in time; else its records are read again, and their runs exist."""
        if self._batch:
            futures.wait([self._batch.result], LEAVE_SECONDS)
            if self._batch.result.done():
                self._finished(self._batch).report()
        self._commit()

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        places = _places(partitions)
        self._assigned |= places
        logger.info("assigned: %s", _names(places))

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # What was done is committed; the rest is read again by the next owner, and its runs are found to exist.
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
