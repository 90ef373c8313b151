"""The status topic: the lifecycle's producer and its reads of the topic's tail. At least once, in order per key."""

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from tradewind_airflow.lifecycle import tail_reader
from tradewind_airflow.lifecycle.checkpoints import Checkpoint
from tradewind_airflow.lifecycle.settings import LifecycleSettings, producer_config, reader_config
from tradewind_airflow.triggerer.outage import Outage
from tradewind_contracts.records import Record

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2
"""The longest delay of a stop while the broker is down."""


class StatusTopic:
    """One producer, and a new consumer for each read of the tail."""

    def __init__(self, connection: Mapping[str, Any], settings: LifecycleSettings) -> None:
        self._settings = settings
        self._outage = Outage(f"Kafka's topic {settings.topic}")
        # A read of the tail raises its errors.
        self._reader_config = {"error_cb": lambda _: None, **reader_config(connection)}
        self._producer = Producer({"error_cb": self._on_error, **producer_config(connection)}, logger=logger)
        self._is_writing = False
        self._awaited = 0
        self._failure: KafkaError | None = None

    def close(self) -> None:
        """Drop unsent records; the next publisher sends them."""
        self._producer.purge()
        self._producer.poll(0)

    def tail(self, stop: threading.Event) -> list[Checkpoint]:
        """Return the checkpoints of this publisher's newest records, oldest first; none if the topic has none.

        Raises `KafkaException` if the broker or the topic is not available.
        """
        with closing(Consumer(self._reader_config, logger=logger)) as consumer:
            return tail_reader.read(consumer, self._settings.topic, self._settings.publisher, stop)

    def write(self, outbound: Sequence[Record], stop: threading.Event) -> bool:
        """Return True when all in-sync replicas have all records, however long that takes; False after a stop.

        Raises `KafkaException` for an error that needs a new producer. The records may or may not be written then.
        """
        # Handle errors since the last write, which delayed nothing.
        self._producer.poll(0)
        self._is_writing = True
        for record in outbound:
            self._produce(record, stop)
        while self._awaited and not stop.is_set():
            self._serve()
        self._is_writing = False
        if stop.is_set():
            return False
        self._outage.end()
        return True

    def _produce(self, record: Record, stop: threading.Event) -> None:
        headers = list(record.headers)
        while not stop.is_set():
            try:
                self._producer.produce(
                    self._settings.topic, record.value, record.key, headers=headers, on_delivery=self._on_delivery
                )
            except BufferError:
                self._serve()
            else:
                self._awaited += 1
                return

    def _serve(self) -> None:
        self._producer.poll(POLL_SECONDS)
        if self._failure:
            raise KafkaException(self._failure)

    def _on_delivery(self, error: KafkaError | None, _: Message) -> None:
        self._awaited -= 1
        self._failure = self._failure or error

    def _on_error(self, error: KafkaError) -> None:
        # A fatal error comes in the delivery reports; the client recovers from all others itself.
        if self._is_writing:
            self._outage.begin(error)
