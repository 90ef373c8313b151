"""The thread that reads the topics into the ledger index, for as long as the facade lives."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_records import Consumed, RawHeaders

logger = logging.getLogger(__name__)

Feed = Callable[[LedgerIndex, Consumed], None]
Place = tuple[str, int]

_POLL_SECONDS = 0.2
_REQUEST_SECONDS = 3.0
_RETRY_SECONDS = 0.5


class LedgerReader:
    """Reads every partition of the topics from `window` ago on, without a consumer group, and commits nothing.

    Each facade process sees all records. After an error it begins again at the window's start: feeding is idempotent.
    """

    def __init__(
        self,
        config: dict[str, Any],
        feeds: Mapping[str, Feed],
        index: LedgerIndex,
        window: timedelta,
        *,
        look_around_seconds: float,
    ) -> None:
        self._config = config | {
            # The client insists on a name; without subscribe() or commit() no group of it ever exists.
            "group.id": "tradewind-api-ledger",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 10,
            "queued.max.messages.kbytes": 8 * 1024,
            "logger": logger,
        }
        self._feeds = feeds
        self._index = index
        self._window = window
        self._look_around_seconds = look_around_seconds
        self._behind: set[Place] | None = None
        self._caught_up = False
        self._lag = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    @property
    def caught_up(self) -> bool:
        """Whether the end of every partition has been seen once; once true, it stays true."""
        return self._caught_up

    @property
    def lag(self) -> int:
        """Records that stand in the topics and were not read yet, at the last look around."""
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
            read = self._begin(consumer)
            looked = time.monotonic()
            while not self._closed.is_set():
                self._take(consumer.poll(_POLL_SECONDS))
                if time.monotonic() - looked > self._look_around_seconds:
                    self._look_around(consumer, read)
                    looked = time.monotonic()
        finally:
            consumer.close()

    def _begin(self, consumer: Consumer) -> set[Place]:
        places = self._places(consumer)
        # Ends first: a partition without records since the window's start begins where it ended before we asked.
        ends = {place: _end(consumer, place) for place in places}
        since = int((time.time() - self._window.total_seconds()) * 1000)
        wanted = [TopicPartition(topic, partition, since) for topic, partition in places]
        starts = consumer.offsets_for_times(wanted, timeout=_REQUEST_SECONDS)
        for start in starts:
            start.offset = start.offset if start.offset >= 0 else ends[start.topic, start.partition]
        self._behind = set(places)
        consumer.incremental_assign(starts)
        return set(places)

    def _places(self, consumer: Consumer) -> list[Place]:
        places: list[Place] = []
        for topic in self._feeds:
            metadata = consumer.list_topics(topic, timeout=_REQUEST_SECONDS).topics[topic]
            if metadata.error is not None:
                raise KafkaException(metadata.error)
            places += [(topic, partition) for partition in metadata.partitions]
        return places

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
        # Reading again would meet the same record again: one that breaks us is left out, and said.
        try:
            self._feeds[topic](self._index, _consumed(message))
        except Exception:
            logger.exception("left out %s/%s at %s", topic, message.partition(), message.offset())

    def _at_end(self, place: Place) -> None:
        if self._behind:
            self._behind.discard(place)
            self._caught_up = self._caught_up or not self._behind

    def _look_around(self, consumer: Consumer, read: set[Place]) -> None:
        try:
            added = [place for place in self._places(consumer) if place not in read]
        except KafkaException as error:
            logger.warning("partitions could not be looked up: %s", error)
            return
        if added:
            consumer.incremental_assign([TopicPartition(*place, OFFSET_BEGINNING) for place in added])
            read.update(added)
        self._lag = sum(_lag(consumer, position) for position in consumer.position(consumer.assignment()))


def _consumed(message: Message) -> Consumed:
    # The client's types allow for a dict, which is only ever produced.
    headers = cast("RawHeaders", message.headers())
    return Consumed(message.key(), message.value(), headers, message.offset() or 0)


def _end(consumer: Consumer, place: Place) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(*place), timeout=_REQUEST_SECONDS)[1])


def _lag(consumer: Consumer, position: TopicPartition) -> int:
    _, end = consumer.get_watermark_offsets(position, cached=True)
    return max(0, end - position.offset) if position.offset >= 0 else 0
