"""Reads the status topic's tail, backwards until a record of this publisher is found."""

import threading
import time
from collections.abc import Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_airflow.lifecycle import checkpoints
from tradewind_airflow.lifecycle.checkpoints import Checkpoint

FIRST_SPAN = 2000
"""Records read in each partition at first; ten times as many each time that none of them is this publisher's.

A page of 500 runs with all their transitions fits, even on one partition: the events that are read again after a
restart are then known to be on the topic.
"""

REQUEST_SECONDS = 10.0
SILENCE_SECONDS = 30.0
"""How long no message may arrive before the broker counts as down."""

Ends = Mapping[int, int]


def read(consumer: Consumer, topic: str, publisher: str, stop: threading.Event) -> list[Checkpoint]:
    """Return the checkpoints at the topic's end, oldest first; none if the topic has no record of this publisher.

    Raises `KafkaException` if the broker or the topic is not available.
    """
    bounds = {number: _bounds(consumer, topic, number) for number in _partitions(consumer, topic)}
    ends = {number: high for number, (_, high) in bounds.items()}
    span = FIRST_SPAN
    while not stop.is_set():
        starts = {number: max(bounds[number][0], end - span) for number, end in ends.items()}
        found = [] if starts == ends else _RangeReader(consumer, topic, publisher).read(starts, ends, stop)
        if found or starts == ends:
            return sorted(found, key=lambda checkpoint: checkpoint.at)
        ends, span = starts, span * 10
    return []


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    metadata = consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
    if metadata.error is not None:
        raise KafkaException(metadata.error)
    return list(metadata.partitions)


def _bounds(consumer: Consumer, topic: str, number: int) -> tuple[int, int]:
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=REQUEST_SECONDS)
    return int(low), int(high)


class _RangeReader:
    """Reads each partition from one offset up to another."""

    def __init__(self, consumer: Consumer, topic: str, publisher: str) -> None:
        self._consumer = consumer
        self._topic = topic
        self._publisher = publisher
        self._found: list[Checkpoint] = []

    def read(self, starts: Ends, ends: Ends, stop: threading.Event) -> list[Checkpoint]:
        left = {number: end for number, end in ends.items() if starts[number] < end}
        self._consumer.assign([TopicPartition(self._topic, number, starts[number]) for number in left])
        last_message = time.monotonic()
        while left and not stop.is_set():
            for message in self._consumer.consume(1000, 0.5):
                last_message = time.monotonic()
                self._take(message, left)
            if time.monotonic() - last_message > SILENCE_SECONDS:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001  # librdkafka's own codes are named so
        self._consumer.unassign()
        return self._found

    def _take(self, message: Message, left: dict[int, int]) -> None:
        number, offset = message.partition() or 0, message.offset() or 0
        if error := message.error():
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # as above
                left.pop(number, None)
            elif not error.retriable():
                raise KafkaException(error)
            return
        if number not in left:
            return
        if offset < left[number]:
            self._add(message)
        # Offsets have gaps (transactions, retention): compare the position, not a count.
        if offset >= left[number] - 1:
            del left[number]

    def _add(self, message: Message) -> None:
        headers = message.headers()
        pairs = headers.items() if isinstance(headers, dict) else headers
        checkpoint = checkpoints.read(pairs, self._publisher, message.timestamp()[1])
        self._found += [checkpoint] if checkpoint else []
