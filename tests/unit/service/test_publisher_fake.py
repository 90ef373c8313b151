import asyncio
from dataclasses import dataclass

import pytest

from support.publisher_suite import PublisherSuite, RecordingPublisher, record
from tradewind_contracts.records import Record
from tradewind_service.publisher import DeliveryError, RecordPosition


@dataclass
class FakeSubject:
    publisher: RecordingPublisher

    async def publish(self, record: Record) -> RecordPosition:
        return await self.publisher.publish("topic", record)

    async def published(self) -> list[tuple[RecordPosition, Record]]:
        return self.publisher.records

    async def close(self) -> None:
        self.publisher.closed = True


@pytest.fixture
def subject() -> FakeSubject:
    return FakeSubject(RecordingPublisher())


class TestRecordingPublisher(PublisherSuite):
    """The fake does what the real one does."""


async def test_the_fake_fails_and_waits_as_requested() -> None:
    publisher = RecordingPublisher(error=DeliveryError("timed out"))
    publisher.gate.clear()
    task = asyncio.create_task(publisher.publish("topic", record("r")))
    await asyncio.sleep(0.01)
    assert publisher.in_flight == 1
    publisher.gate.set()
    with pytest.raises(DeliveryError):
        await task
    assert publisher.records == []
