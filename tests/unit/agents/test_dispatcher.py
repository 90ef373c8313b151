"""Tasks: bounded, in order per run, drained by partition."""

import asyncio
from typing import Any

import pytest
from langgraph.runtime import RunControl

from tradewind_agents.dispatcher import Dispatcher
from tradewind_contracts import run_ids
from tradewind_service.offset_tracker import TrackedRecord


class _Decision:
    """All that the dispatcher asks of a decision."""

    def __init__(self, run_id: str | None = None) -> None:
        self.run_id = run_id or run_ids.new()


def _submit(dispatcher: Dispatcher, partition: int = 0, run_id: str | None = None) -> TrackedRecord:
    record = TrackedRecord(("events", partition), 0)
    decision: Any = _Decision(run_id)
    dispatcher.submit(record, decision)
    return record


async def _processed(dispatcher: Dispatcher, number: int) -> None:
    async with asyncio.timeout(5):
        while dispatcher.ended < number:  # noqa: ASYNC110  # the count is all there is to wait for
            await asyncio.sleep(0.001)


async def test_never_more_than_its_concurrency() -> None:
    at_work, most = 0, 0

    async def process(_decision: Any, _control: RunControl) -> bool:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0.001)
        at_work -= 1
        return True

    dispatcher = Dispatcher(process, concurrency=3)
    records = [_submit(dispatcher) for _ in range(20)]
    await _processed(dispatcher, 20)
    assert most == 3
    assert all(record.done for record in records)


async def test_records_of_one_run_keep_their_order() -> None:
    seen: list[str] = []

    async def process(decision: Any, _control: RunControl) -> bool:
        seen.append(f"{decision.run_id} begins")
        await asyncio.sleep(0.002)
        seen.append(f"{decision.run_id} ends")
        return True

    dispatcher = Dispatcher(process, concurrency=10)
    for _ in range(3):
        _submit(dispatcher, run_id="same")
    await _processed(dispatcher, 3)
    assert seen == ["same begins", "same ends"] * 3


async def test_a_drain_stops_one_partition_and_waits() -> None:
    async def process(_decision: Any, control: RunControl) -> bool:
        for _ in range(400):
            if control.drain_requested:
                return False
            await asyncio.sleep(0.001)
        return True

    dispatcher = Dispatcher(process, concurrency=10)
    leaving, staying = _submit(dispatcher, 0), _submit(dispatcher, 1)
    await asyncio.sleep(0.01)
    await dispatcher.drain([("events", 0)], 5)
    assert dispatcher.ended == 1
    assert not leaving.done
    await _processed(dispatcher, 2)
    assert staying.done


async def test_what_does_not_stop_is_cancelled() -> None:
    async def process(_decision: Any, _control: RunControl) -> bool:
        await asyncio.sleep(60)
        return True

    dispatcher = Dispatcher(process, concurrency=1)
    records = [_submit(dispatcher), _submit(dispatcher)]
    await asyncio.sleep(0.01)
    await dispatcher.drain([("events", 0)], 0.01)
    assert dispatcher.ended == 2
    assert not any(record.done for record in records)


async def test_a_drain_of_nothing_returns_at_once() -> None:
    async def process(_decision: Any, _control: RunControl) -> bool:
        return True

    await Dispatcher(process, concurrency=1).drain([("events", 0)], 5)


async def test_a_broken_record_is_reported_and_not_done(caplog: pytest.LogCaptureFixture) -> None:
    async def process(_decision: Any, _control: RunControl) -> bool:
        raise RuntimeError("a bug")

    dispatcher = Dispatcher(process, concurrency=1)
    record = _submit(dispatcher)
    await _processed(dispatcher, 1)
    assert not record.done
    assert "processing a record failed" in caplog.text
