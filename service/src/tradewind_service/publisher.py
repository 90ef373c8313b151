"""Publishes records to Kafka; a record's future is done once all in-sync replicas have acknowledged it."""

import asyncio
import json
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tradewind_contracts.records import Headers, Record
from tradewind_service import kafka_clients

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class RecordPosition:
    """The position of a record in its topic."""

    partition: int
    offset: int


class DeliveryError(Exception):
    """The broker did not acknowledge the record in time. It may still be in the topic: the outcome is unknown."""


class NotQueuedError(DeliveryError):
    """The record was not queued, and is not in the topic: too many in flight, too large, or closed."""


class Publisher(Protocol):
    """Publishes records; see `KafkaPublisher`."""

    async def publish(self, topic: str, record: Record) -> RecordPosition:
        """Return the record's position, once it is durable; raise `DeliveryError`."""
        ...

    @property
    def in_flight(self) -> int:
        """Number of records without an acknowledgement."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a record can be produced without a start-up delay; once true, it stays true."""
        ...

    @property
    def connected(self) -> bool:
        """Whether a broker could be reached at the last check."""
        ...


@dataclass(frozen=True)
class PublisherLimits:
    """Bounds of a publisher: times in milliseconds, sizes in bytes; `linger_ms` is how long a batch may fill."""

    max_in_flight: int
    delivery_timeout_ms: int
    max_message_bytes: int = 1_000_000
    linger_ms: int = 0
    statistics_interval_ms: int = 1000
    """How often `connected` is updated; 0 for never."""

    def properties(self) -> dict[str, Any]:
        """Return the limits as librdkafka's properties."""
        return {
            "linger.ms": self.linger_ms,
            "delivery.timeout.ms": self.delivery_timeout_ms,
            "message.max.bytes": self.max_message_bytes,
            "queue.buffering.max.messages": self.max_in_flight,
            "queue.buffering.max.kbytes": 64 * 1024,
            "statistics.interval.ms": self.statistics_interval_ms,
        }


class KafkaPublisher:
    """An idempotent producer; one thread serves its delivery reports, which resolve futures on the event loop.

    At least once, in order per key: a record whose future is done is on all in-sync replicas. A record that failed with
    `DeliveryError` may be in the topic, because only the acknowledgement may be lost; it cannot appear later than that.
    The caller retries with the same id, which engines run once. One that failed with `NotQueuedError` is not in the
    topic. Metadata of `topics` is fetched at the start, so that the first record does not wait for it.
    """

    def __init__(self, connection: dict[str, Any], topics: Sequence[str], limits: PublisherLimits) -> None:
        own = {"stats_cb": self._on_statistics, "error_cb": self._on_error, "logger": logger}
        self._config = kafka_clients.producer_config(connection, limits.properties() | own)
        self._topics = topics
        self._limits = limits
        self._in_flight = 0
        self._ready = self._connected = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="deliveries", daemon=True)

    @property
    def in_flight(self) -> int:
        """Number of deliveries that are awaited."""
        return self._in_flight

    @property
    def ready(self) -> bool:
        """Whether the broker has assigned the producer id, which takes up to half a second, once."""
        return self._ready

    @property
    def connected(self) -> bool:
        """Whether a broker was connected at the last statistics, at most a second ago."""
        return self._connected

    def open(self) -> None:
        """Start the producer and its thread, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config)
        self._thread.start()

    async def close(self, seconds: float | None = None) -> None:
        """Refuse new records, wait for those in flight (`seconds`, or the delivery time-out), and stop the thread."""
        self._closed.set()
        patience = self._limits.delivery_timeout_ms / 1000 + 1 if seconds is None else seconds
        if left := await asyncio.to_thread(self._producer.flush, patience):
            logger.warning("%d records were not acknowledged before the shutdown", left)
        await asyncio.to_thread(self._thread.join)
        _fail_undelivered(self._producer)

    async def publish(self, topic: str, record: Record) -> RecordPosition:
        """Return the record's position once it is durable; raise `DeliveryError`, `NotQueuedError`."""
        return await self.send(topic, record.key, record.value, record.headers)

    def send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers
    ) -> asyncio.Future[RecordPosition]:
        """Queue a record and return the future of its position; raise `NotQueuedError`.

        Records of one key keep the order of the calls.
        """
        if self._closed.is_set() or self._in_flight >= self._limits.max_in_flight:
            raise NotQueuedError(
                "shutting down" if self._closed.is_set() else f"{self._in_flight} deliveries are in flight"
            )
        delivery: asyncio.Future[RecordPosition] = self._loop.create_future()

        def report(error: KafkaError | None, message: Message) -> None:
            self._loop.call_soon_threadsafe(_resolve, delivery, error, message)

        try:
            self._producer.produce(topic, value, key, headers=list(headers), on_delivery=report)
        except (BufferError, KafkaException) as error:
            raise NotQueuedError(str(error)) from error
        self._in_flight += 1
        delivery.add_done_callback(self._delivered)
        return delivery

    def _delivered(self, _: asyncio.Future[RecordPosition]) -> None:
        self._in_flight -= 1

    def _serve(self) -> None:
        for topic in self._topics:
            self._look_up(topic)
        while not self._closed.is_set():
            try:
                self._producer.poll(_POLL_SECONDS)
            except KafkaException as error:
                self._replace(error)

    def _look_up(self, topic: str) -> None:
        try:
            self._producer.list_topics(topic, timeout=1)
        except KafkaException as error:
            logger.warning("no broker available yet: %s", error)

    def _replace(self, error: KafkaException) -> None:
        # `poll` raises fatal errors alone. An idempotent producer with a gap in its sequence never delivers again
        # (KIP-98): a new one does.
        logger.error("replacing the producer after a fatal error: %s", error)
        broken, self._producer = self._producer, Producer(self._config)
        _fail_undelivered(broken)

    def _on_error(self, error: KafkaError) -> None:
        logger.warning("kafka: %s", error)

    def _on_statistics(self, text: str) -> None:
        statistics = json.loads(text)
        brokers = statistics["brokers"].values()
        self._connected = any(broker["state"] == "UP" for broker in brokers if broker["nodeid"] >= 0)
        self._ready = self._ready or statistics.get("eos", {}).get("idemp_state") == "Assigned"


def _fail_undelivered(producer: Producer) -> None:
    # Their delivery reports arrive, so that no caller waits for a record that will not be sent.
    producer.purge()
    with suppress(KafkaException):
        producer.flush(_POLL_SECONDS)


def _resolve(delivery: asyncio.Future[RecordPosition], error: KafkaError | None, message: Message) -> None:
    if delivery.done():
        return
    if error is not None:
        delivery.set_exception(DeliveryError(error.str()))
    else:
        delivery.set_result(RecordPosition(message.partition() or 0, message.offset() or 0))
