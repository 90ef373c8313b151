"""Callers that wait for a run's end: the topics wake them, the engine is asked for the result."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.engine_suite import FakeEngine, run_status
from support.facade import Facade, facade_settings, until
from support.ledger_steps import dead, status, trigger
from tradewind_api import ledger_records, statuses
from tradewind_contracts.workflows import RunStatus, WorkflowStatus
from tradewind_service.received_records import ReceivedRecord

SOON = 5
"""Seconds: there is no recheck before, so that what comes sooner was woken."""


@pytest.fixture(autouse=True)
def no_recheck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (60, 60))


def wait(facade: Facade, run_id: str = "run-a", seconds: float = 10) -> asyncio.Task[WorkflowStatus | None]:
    return asyncio.create_task(facade.app.state.services.statuses.ended(run_id, seconds))


async def waiting(facade: Facade, run_id: str = "run-a", seconds: float = 10) -> asyncio.Task[WorkflowStatus | None]:
    """A caller that has asked the engine in vain, and waits."""
    ledger_records.feed_event(facade.index, trigger(run_id, 1))
    asked = facade.airflow.asked.count(run_id)
    task = wait(facade, run_id, seconds)
    await until(lambda: facade.airflow.asked.count(run_id) > asked)
    return task


def feed_status(facade: Facade, record: ReceivedRecord) -> None:
    """As the ledger's thread does."""
    thread = threading.Thread(target=ledger_records.feed_status, args=(facade.index, record))
    thread.start()
    thread.join()


def end(facade: Facade, run_id: str = "run-a") -> WorkflowStatus:
    facade.airflow.runs[run_id] = run_status(run_id, RunStatus.SUCCEEDED, 1)
    return facade.airflow.runs[run_id]


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begun = time.monotonic()
    yield
    assert time.monotonic() - begun < seconds


async def test_the_status_event_brings_the_engines_result_at_once(facade: Facade) -> None:
    caller = await waiting(facade)
    ended = end(facade)
    with within(SOON):
        feed_status(facade, status("run-a", "succeeded", 2))
        assert await caller == ended
    assert facade.airflow.asked.count("run-a") == 2


async def test_a_run_that_has_ended_before_is_answered_at_once(facade: Facade) -> None:
    ended = end(facade)
    with within(SOON):
        assert await wait(facade) == ended


async def test_events_before_the_end_ask_nothing(facade: Facade) -> None:
    caller = await waiting(facade)
    for seconds, word in enumerate(["queued", "running", "waiting", "running"], 2):
        feed_status(facade, status("run-a", word, seconds))
    feed_status(facade, status("run-b", "succeeded", 2))
    await asyncio.sleep(0.1)
    assert facade.airflow.asked.count("run-a") == 1
    caller.cancel()


async def test_a_dead_letter_wakes_as_well(facade: Facade) -> None:
    caller = await waiting(facade)
    with within(SOON):
        ledger_records.feed_dead_letter(facade.index, dead(trigger("run-a", 1)))
        found = await caller
    assert found
    assert (found.status, found.error) == (RunStatus.REJECTED, "invalid-parameters: isin is missing")


async def test_two_hundred_callers_ask_once_each_and_once_more_at_the_end(facade: Facade) -> None:
    run_ids = [f"run-{number}" for number in range(200)]
    callers = [await waiting(facade, run_id) for run_id in run_ids]
    await asyncio.sleep(0.1)
    assert len(facade.airflow.asked) == 200 + facade.airflow.asked.count("workflows")
    with within(SOON):
        for run_id in run_ids:
            end(facade, run_id)
            ledger_records.feed_status(facade.index, status(run_id, "succeeded", 2))
        found = await asyncio.gather(*callers)
    assert {answer.status for answer in found if answer} == {RunStatus.SUCCEEDED}
    assert len(facade.airflow.asked) == 400 + facade.airflow.asked.count("workflows")


async def test_several_callers_of_one_run_are_all_answered(facade: Facade) -> None:
    callers = [await waiting(facade) for _ in range(5)]
    ended = end(facade)
    with within(SOON):
        feed_status(facade, status("run-a", "succeeded", 2))
        assert await asyncio.gather(*callers) == [ended] * 5


async def test_an_end_that_the_topics_do_not_report_is_found_all_the_same(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (0.05, 0.1))
    caller = await waiting(facade)
    ended = end(facade)
    with within(SOON):
        assert await caller == ended


async def test_an_event_that_comes_before_the_engine_knows_ends_nothing(facade: Facade) -> None:
    caller = await waiting(facade)
    facade.airflow.runs["run-a"] = run_status("run-a")
    feed_status(facade, status("run-a", "failed", 2))  # of the run before it was cleared, say
    await until(lambda: facade.airflow.asked.count("run-a") == 2)
    ended = end(facade)
    feed_status(facade, status("run-a", "succeeded", 3))
    assert await caller == ended


class HangingEngine(FakeEngine):
    async def status(self, workflow_run_id: str, workflow_id: str | None = None) -> WorkflowStatus | None:
        await super().status(workflow_run_id, workflow_id)
        await asyncio.sleep(60)
        raise AssertionError


async def test_an_engine_that_hangs_does_not_prolong_the_wait() -> None:
    async with Facade(airflow=HangingEngine()).running(facade_settings()) as facade:
        caller = await waiting(facade, seconds=0.2)
        with within(SOON):
            assert await caller is None


async def test_an_engine_that_is_back_in_time_gives_the_result(facade: Facade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (0.05, 0.1))
    caller = await waiting(facade)
    facade.airflow.down = True
    feed_status(facade, status("run-a", "succeeded", 2))
    await until(lambda: facade.airflow.asked.count("run-a") > 3)
    assert not caller.done()
    ended = end(facade)
    facade.airflow.down = False
    assert await caller == ended


async def test_the_end_of_a_run_whose_engine_stays_down_is_returned_when_the_time_is_over(facade: Facade) -> None:
    caller = await waiting(facade, seconds=0.3)
    facade.airflow.down = True
    feed_status(facade, status("run-a", "failed", 2))
    found = await caller
    assert found
    assert (found.status, found.stale) == (RunStatus.FAILED, True)


async def test_a_run_that_its_engine_no_longer_has_is_answered_at_once(facade: Facade) -> None:
    ledger_records.feed_status(facade.index, status("run-a", "succeeded", 2))
    with within(SOON):
        found = await wait(facade)
    assert found
    assert (found.status, found.stale) == (RunStatus.SUCCEEDED, True)


async def test_nothing_is_left_of_callers_that_are_gone(facade: Facade) -> None:
    gone, late = await waiting(facade), await waiting(facade, seconds=0.05)
    gone.cancel()
    await asyncio.wait([gone, late])
    assert facade.index.ends._waiting == {}
    feed_status(facade, status("run-a", "succeeded", 2))
