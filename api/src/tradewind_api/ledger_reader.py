"""The thread that reads the topics into the ledger index."""

import asyncio
import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_api.ledger import LedgerIndex
from tradewind_service import kafka_clients, received_records
from tradewind_service.offset_tracker import Partition
from tradewind_service.received_records import ReceivedRecord

logger = logging.getLogger(__name__)

Feed = Callable[[LedgerIndex, ReceivedRecord], None]

_READER = {
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 10,
    "queued.max.messages.kbytes": 8 * 1024,
}
_POLL_SECONDS = 0.2
_REQUEST_SECONDS = 3.0
_RETRY_SECONDS = 0.5


@dataclass(frozen=True)
class Window:
    """How far back the topics are read: records of at most `age`, and at most `records` of each topic."""

    age: timedelta
    records: int


class LedgerReader:
    """Reads every partition of the topics from the window's start on, without a consumer group, and commits nothing.

    Each facade process reads all records. After an error it starts again at the window's start: feeding is idempotent.
    """

    def __init__(
        self,
        config: dict[str, Any],
        feeds: Mapping[str, Feed],
        index: LedgerIndex,
        window: Window,
        *,
        refresh_seconds: float,
    ) -> None:
        # The client requires a group; without subscribe() or commit() none is created.
        self._config = kafka_clients.consumer_config(config, "tradewind-api-ledger", _READER | {"logger": logger})
        self._feeds = feeds
        self._index = index
        self._window = window
        self._refresh_seconds = refresh_seconds
        self._behind: set[Partition] | None = None
        self._caught_up = False
        self._lag = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition has been reached once; once true, it stays true."""
        return self._caught_up

    @property
    def lag(self) -> int:
        """Records of the topics that were not read yet at the last refresh."""
        return self._lag

    def open(self) -> None:
        """Start reading."""
        self._thread.start()

    async def close(self) -> None:
        """Stop reading, and wait for the thread."""
        self._closed.set()
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
            except KafkaException as error:
                logger.warning("the ledger is read again from its start: %s", error)
            except Exception:
                logger.exception("the ledger is read again from its start")
            self._closed.wait(_RETRY_SECONDS)

    def _follow(self) -> None:
        consumer = Consumer(self._config)
        try:
            assigned = self._begin(consumer)
            refreshed_at = time.monotonic()
            while not self._closed.is_set():
                self._take(consumer.poll(_POLL_SECONDS))
                if time.monotonic() - refreshed_at > self._refresh_seconds:
                    self._refresh(consumer, assigned)
                    refreshed_at = time.monotonic()
        finally:
            consumer.close()

    def _begin(self, consumer: Consumer) -> set[Partition]:
        partitions = self._partitions(consumer)
        # Ends first: a partition without records in the window is read from where it ended before it was searched.
        ends = {partition: _end(consumer, partition) for partition in partitions}
        since = int((time.time() - self._window.age.total_seconds()) * 1000)
        wanted = [TopicPartition(*partition, since) for partition in partitions]
        starts = consumer.offsets_for_times(wanted, timeout=_REQUEST_SECONDS)
        partitions_of = Counter(topic for topic, _ in partitions)
        for start in starts:
            if start.error is not None:
                raise KafkaException(start.error)
            most = math.ceil(self._window.records / partitions_of[start.topic])
            start.offset = first_offset(start.offset, ends[start.topic, start.partition], most)
        self._behind = set(partitions)
        consumer.incremental_assign(starts)
        return set(partitions)

    def _partitions(self, consumer: Consumer) -> list[Partition]:
        partitions: list[Partition] = []
        for topic in self._feeds:
            metadata = consumer.list_topics(topic, timeout=_REQUEST_SECONDS).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            partitions += [(topic, number) for number in metadata.partitions]
        return partitions

    def _take(self, message: Message | None) -> None:
        if message is None:
            return
        topic, partition = message.topic() or "", message.partition() or 0
        if (error := message.error()) is None:
            self._feed(topic, message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # the client's public name for it
            self._at_end((topic, partition))
        elif not error.retriable():
            raise KafkaException(error)

    def _feed(self, topic: str, message: Message) -> None:
        # Starting again would meet the same record again: one that raises is logged and skipped.
        try:
            self._feeds[topic](self._index, received_records.from_message(message))
        except Exception:
            logger.exception("skipped the record %s/%s at %s", topic, message.partition(), message.offset())

    def _at_end(self, partition: Partition) -> None:
        if self._behind:
            self._behind.discard(partition)
            self._caught_up = self._caught_up or not self._behind

    def _refresh(self, consumer: Consumer, assigned: set[Partition]) -> None:
        try:
            added = [partition for partition in self._partitions(consumer) if partition not in assigned]
        except KafkaException as error:
            logger.warning("the topics' partitions cannot be listed: %s", error)
            return
        if added:
            consumer.incremental_assign([TopicPartition(*partition, OFFSET_BEGINNING) for partition in added])
            assigned.update(added)
        self._lag = sum(_lag(consumer, position) for position in consumer.position(consumer.assignment()))


def first_offset(in_window: int, end: int, most: int) -> int:
    """Return the offset at which reading a partition begins.

    It is the first one in the window's time (negative: none is), but at most `most` offsets before the end. Offsets
    without a record (compacted, aborted) make the records fewer, never more.
    """
    return max(in_window if in_window >= 0 else end, end - most)


def _end(consumer: Consumer, partition: Partition) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_REQUEST_SECONDS)[1])


def _lag(consumer: Consumer, position: TopicPartition) -> int:
    _, end = consumer.get_watermark_offsets(position, cached=True)
    return max(0, end - position.offset) if position.offset >= 0 else 0
