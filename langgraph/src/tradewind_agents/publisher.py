"""Records out to Kafka, each awaited until all in-sync replicas have it."""

import asyncio
import logging
import threading
from typing import Any

from confluent_kafka import KafkaException, Producer

from tradewind_contracts import topics
from tradewind_contracts.records import Headers

_LOG = logging.getLogger(__name__)

MAX_BYTES = topics.DEAD_LETTERS.max_message_bytes
"""The largest record: a dead letter is a whole record and its reason."""


class Publisher:
    """An idempotent producer with ``acks=all``; its delivery reports come from a thread of its own.

    At least once: a record whose report says that it failed may yet be in the topic.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(
            {
                "enable.idempotence": True,
                "linger.ms": 1,
                "delivery.timeout.ms": 30_000,
                "message.max.bytes": MAX_BYTES,
                **config,
            }
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="tradewind-publisher", daemon=True)
        self._thread.start()

    def send(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> asyncio.Future[None]:
        """Hand a record over and return what becomes done when it is durable, or fails with KafkaException.

        Records of one key keep the order of these calls. Raises BufferError when the queue is full.
        """
        future: asyncio.Future[None] = self._loop.create_future()

        def report(error: Any, _message: Any) -> None:
            self._loop.call_soon_threadsafe(_settle, future, error)

        self._producer.produce(topic, key=key, value=value, headers=headers, on_delivery=report)
        return future

    async def close(self, seconds: float = 5) -> None:
        """Wait for what is under way, at most `seconds`, and end the thread."""
        left = await asyncio.to_thread(self._producer.flush, seconds)
        if left:
            _LOG.warning("%d records were not acknowledged before the end; they will be sent again", left)
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(0.1)


def _settle(future: asyncio.Future[None], error: Any) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(KafkaException(error))
