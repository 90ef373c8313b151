"""Events onto the ledger topic: acknowledged by all in-sync replicas before anybody is told."""

import asyncio
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tradewind_contracts.records import Record

logger = logging.getLogger(__name__)

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Position:
    """Where a record stands in its topic."""

    partition: int
    offset: int


class DeliveryError(Exception):
    """The broker did not acknowledge the record in time. It may still stand in the topic: the outcome is unknown."""


class RefusedError(DeliveryError):
    """The record was not taken at all, and does not stand in the topic: too many in flight, too large, or closed."""


class Publisher(Protocol):
    """Puts records onto one topic."""

    async def publish(self, record: Record) -> Position:
        """Return where the record stands, once it is durable; raise `DeliveryError`."""
        ...

    @property
    def in_flight(self) -> int:
        """Deliveries that are awaited now."""
        ...

    @property
    def ready(self) -> bool:
        """Whether a record can be produced without a start-up delay; once true, it stays true."""
        ...

    @property
    def connected(self) -> bool:
        """Whether a broker could be reached when last looked at."""
        ...


class KafkaPublisher:
    """An idempotent producer; one thread serves its delivery reports, which resolve futures on the event loop.

    At least once, in order for each key: a record that `publish` returned for is on all in-sync replicas. One that it
    raised `DeliveryError` for may or may not be there, as the acknowledgement can be what was lost; it can no longer
    appear after librdkafka gave it up. So the caller is told to send the same again under the same Idempotency-Key:
    the run id is then the same, and engines run one id once. `RefusedError` records are certainly not there.
    """

    def __init__(self, config: dict[str, Any], topic: str, *, max_in_flight: int, delivery_timeout_ms: int) -> None:
        self._config = config | {
            "acks": "all",
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": delivery_timeout_ms,
            "queue.buffering.max.messages": max_in_flight,
            "queue.buffering.max.kbytes": 64 * 1024,
            # As Kafka's own clients do: one key is on one partition, whoever produces it.
            "partitioner": "murmur2_random",
            "statistics.interval.ms": 250,
            "stats_cb": self._on_statistics,
            "error_cb": self._on_error,
            "logger": logger,
        }
        self._topic = topic
        self._max_in_flight = max_in_flight
        self._flush_seconds = delivery_timeout_ms / 1000 + 1
        self._in_flight = 0
        self._ready = self._connected = self._broken = False
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="deliveries", daemon=True)

    @property
    def in_flight(self) -> int:
        """Deliveries that are awaited now."""
        return self._in_flight

    @property
    def ready(self) -> bool:
        """Whether the broker has given the producer its id: it takes up to half a second, once."""
        return self._ready

    @property
    def connected(self) -> bool:
        """Whether a broker was connected at the last look, a quarter of a second ago at most."""
        return self._connected

    def open(self) -> None:
        """Start the producer and its thread; the event loop is the running one."""
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config)
        self._thread.start()

    async def close(self) -> None:
        """Take no more, wait for what is in flight, stop the thread."""
        self._closed.set()
        await asyncio.to_thread(self._producer.flush, self._flush_seconds)
        await asyncio.to_thread(self._thread.join)

    async def publish(self, record: Record) -> Position:
        """Return where the record stands, once all in-sync replicas have it; raise `DeliveryError`, `RefusedError`."""
        if self._closed.is_set() or self._in_flight >= self._max_in_flight:
            raise RefusedError(
                "shutting down" if self._closed.is_set() else f"{self._in_flight} deliveries are in flight"
            )
        delivery: asyncio.Future[Position] = self._loop.create_future()
        self._produce(record, delivery)
        self._in_flight += 1
        try:
            return await delivery
        finally:
            self._in_flight -= 1

    def _produce(self, record: Record, delivery: asyncio.Future[Position]) -> None:
        def report(error: KafkaError | None, message: Message) -> None:
            self._loop.call_soon_threadsafe(_resolve, delivery, error, message)

        try:
            self._producer.produce(
                self._topic, record.value, record.key, headers=list(record.headers), on_delivery=report
            )
        except (BufferError, KafkaException) as error:
            raise RefusedError(str(error)) from error

    def _serve(self) -> None:
        self._look_up_topic()
        while not self._closed.is_set():
            self._producer.poll(_POLL_SECONDS)
            if self._broken:
                self._replace()

    def _look_up_topic(self) -> None:
        try:
            self._producer.list_topics(self._topic, timeout=1)
        except KafkaException as error:
            logger.warning("no broker yet: %s", error)

    def _replace(self) -> None:
        # An idempotent producer that lost its place in the sequence never delivers again (KIP-98): a new one does.
        logger.error("the producer is replaced after a fatal error")
        self._producer.flush(_POLL_SECONDS)
        self._producer = Producer(self._config)
        self._broken = False

    def _on_error(self, error: KafkaError) -> None:
        logger.warning("kafka: %s", error)
        self._broken = self._broken or error.fatal()

    def _on_statistics(self, text: str) -> None:
        statistics = json.loads(text)
        brokers = statistics["brokers"].values()
        self._connected = any(broker["state"] == "UP" for broker in brokers if broker["nodeid"] >= 0)
        self._ready = self._ready or statistics.get("eos", {}).get("idemp_state") == "Assigned"


def _resolve(delivery: asyncio.Future[Position], error: KafkaError | None, message: Message) -> None:
    if delivery.done():
        return
    if error is not None:
        delivery.set_exception(DeliveryError(error.str()))
    else:
        delivery.set_result(Position(message.partition() or 0, message.offset() or 0))
