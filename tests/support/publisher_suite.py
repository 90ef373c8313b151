"""What every `Publisher` must do: run against the fake in unit tests and against real Kafka in integration tests."""

import asyncio
import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from tradewind_contracts.records import Record
from tradewind_service.publisher import DeliveryError, NotQueuedError, Publisher, RecordPosition

MAX_IN_FLIGHT = 50
MAX_BYTES = 1_000_000


@dataclass
class RecordingPublisher:
    """A `Publisher` in memory. `error` is raised for each record; while `gate` is unset, deliveries wait."""

    partitions: int = 6
    max_in_flight: int = MAX_IN_FLIGHT
    error: DeliveryError | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    topics: set[str] = field(default_factory=set)
    records: list[tuple[RecordPosition, Record]] = field(default_factory=list)
    in_flight: int = 0
    ready: bool = True
    connected: bool = True
    closed: bool = False

    def __post_init__(self) -> None:
        self.gate.set()
        self._ends: dict[int, int] = defaultdict(int)

    async def publish(self, topic: str, record: Record) -> RecordPosition:
        self.topics.add(topic)
        if self.closed or self.in_flight >= self.max_in_flight or len(record.value) > MAX_BYTES:
            raise NotQueuedError("closed, full or too large")
        self.in_flight += 1
        try:
            await asyncio.sleep(0)
            await self.gate.wait()
            if self.error:
                raise self.error
            return self._append(record)
        finally:
            self.in_flight -= 1

    def _append(self, record: Record) -> RecordPosition:
        partition = zlib.crc32(record.key) % self.partitions
        position = RecordPosition(partition, self._ends[partition])
        self._ends[partition] += 1
        self.records.append((position, record))
        return position

    async def close(self) -> None:
        self.closed = True

    async def published(self) -> list[tuple[RecordPosition, Record]]:
        return self.records


class Subject(Protocol):
    """A publisher (`MAX_IN_FLIGHT`, `MAX_BYTES`) that is open, its end, and a look at its topic."""

    @property
    def publisher(self) -> Publisher: ...

    async def publish(self, record: Record) -> RecordPosition:
        """Publish to the subject's topic."""
        ...

    async def published(self) -> list[tuple[RecordPosition, Record]]:
        """Everything that stands in the topic."""
        ...

    async def close(self) -> None: ...


def record(key: str, value: bytes = b"{}") -> Record:
    return Record(key.encode(), value, [("ce_id", b"1"), ("ce_subject", key.encode())])


class PublisherSuite:
    """Subclass it, and give the fixture `subject`."""

    async def test_a_record_stands_where_publish_says_byte_for_byte(self, subject: Subject) -> None:
        sent = Record("ключ".encode(), b'{"a": "\xc3\xa9"}', [("ce_id", b"1"), ("ce_id", b"2"), ("empty", b"")])
        position = await subject.publish(sent)
        assert (position, sent) in await subject.published()

    async def test_one_key_is_one_partition_in_order(self, subject: Subject) -> None:
        positions = [await subject.publish(record("run-1", b"%d" % n)) for n in range(5)]
        assert len({position.partition for position in positions}) == 1
        values = [found.value for _, found in await subject.published()]
        assert values == [b"0", b"1", b"2", b"3", b"4"]

    async def test_many_at_once_each_get_their_own_position(self, subject: Subject) -> None:
        sent = [record(f"run-{n}") for n in range(MAX_IN_FLIGHT)]
        positions = await asyncio.gather(*(subject.publish(one) for one in sent))
        assert len(set(positions)) == MAX_IN_FLIGHT
        assert len({position.partition for position in positions}) > 1
        published = dict(await subject.published())
        assert [published[position] for position in positions] == sent
        assert subject.publisher.in_flight == 0

    async def test_more_than_the_bound_are_refused_and_the_others_delivered(self, subject: Subject) -> None:
        sent = (subject.publish(record(f"run-{n}")) for n in range(MAX_IN_FLIGHT + 7))
        answers = await asyncio.gather(*sent, return_exceptions=True)
        assert sum(isinstance(answer, NotQueuedError) for answer in answers) == 7
        assert len(await subject.published()) == MAX_IN_FLIGHT
        assert isinstance(await subject.publish(record("after")), RecordPosition)

    async def test_a_record_that_is_too_large_is_refused_and_the_next_one_taken(self, subject: Subject) -> None:
        with pytest.raises(NotQueuedError):
            await subject.publish(record("large", b"x" * (MAX_BYTES + 1)))
        await subject.publish(record("small"))
        assert [found.key for _, found in await subject.published()] == [b"small"]

    async def test_an_open_publisher_says_that_it_is_ready_and_connected(self, subject: Subject) -> None:
        assert subject.publisher.ready
        assert subject.publisher.connected

    async def test_after_close_records_are_refused(self, subject: Subject) -> None:
        await subject.publish(record("before"))
        await subject.close()
        with pytest.raises(NotQueuedError):
            await subject.publish(record("after"))

    async def test_a_caller_that_goes_away_leaves_nothing_behind(self, subject: Subject) -> None:
        task = asyncio.create_task(subject.publish(record("gone")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await subject.publish(record("next"))
        assert subject.publisher.in_flight == 0
