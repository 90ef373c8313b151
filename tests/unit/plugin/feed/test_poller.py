"""When the task polls, for whom, and what it does while the database is unavailable (scripted polls)."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tradewind_airflow.feed.change_reader import ChangeReader, PollRequest, PollResult, updated_view
from tradewind_airflow.feed.poller import Poller, Signal, TooManyWatchersError
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.run_view import RunView
from tradewind_airflow.feed.settings import FeedSettings

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUICK = FeedSettings(watch_interval=0.01, progress_interval=0.05, max_watchers=3)


def row(state: str = "queued", row_id: int = 1, **more: Any) -> RunRow:
    dates = {"start_date": NOW if state != "queued" else None, "end_date": NOW if state == "success" else None}
    values = {"clear_number": 0, "queued_at": NOW, "updated_at": NOW, "is_paused": False, **dates, **more}
    return RunRow(id=row_id, dag_id="dag", run_id="run", state=state, **values)


def poll_result(*rows: RunRow, **more: Any) -> PollResult:
    values = {"read": frozenset(), "questions": {}, "progress": {}, "paused": frozenset(), "any_change": False, **more}
    return PollResult(rows={one.id: one for one in rows}, **values)


class ScriptedReader(ChangeReader):
    """Returns scripted rows, and records each poll."""

    def __init__(self, *rows: RunRow) -> None:
        super().__init__()
        self.rows = {one.id: one for one in rows}
        self.requests: list[PollRequest] = []
        self.error: Exception | None = None
        self.any_change = False
        self.loop = asyncio.get_running_loop()
        self.third = self.loop.create_future()

    def poll(self, request: PollRequest) -> PollResult:
        self.requests.append(request)
        if len(self.requests) == 3:
            self.loop.call_soon_threadsafe(self.third.set_result, None)
        if self.error:
            raise self.error
        return poll_result(*self.rows.values(), read=request.watched, any_change=self.any_change)


async def test_without_listeners_nothing_is_polled() -> None:
    reader = ScriptedReader(row())
    poller = Poller(QUICK, reader)
    await asyncio.sleep(0.05)
    assert reader.requests == []
    with poller.watch(1):
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.05)
    polled = len(reader.requests)
    assert polled >= 2
    await asyncio.sleep(0.05)
    assert len(reader.requests) == polled


async def test_a_thousand_watchers_cost_the_polls_of_one() -> None:
    reader = ScriptedReader(row())
    poller = Poller(FeedSettings(watch_interval=0.05), reader)

    async def wait() -> str:
        with poller.watch(1) as run:
            while not (run.view and run.view.has_ended):
                await run.beyond(run.version, 5)
            return run.view.transitions[-1].status.value

    clients = [asyncio.create_task(wait()) for _ in range(1000)]
    await asyncio.wait_for(reader.third, 30)
    reader.rows[1] = row("success")
    assert set(await asyncio.gather(*clients)) == {"succeeded"}
    assert len(reader.requests) <= 20
    assert {request.watched for request in reader.requests[:3]} == {frozenset({1})}
    await poller.close()


async def test_only_a_changed_view_wakes_watchers() -> None:
    reader = ScriptedReader(row("running"))
    poller = Poller(QUICK, reader)
    with poller.watch(1) as run:
        assert await run.beyond(0, 1)
        reader.rows[1] = row("running", updated_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert not await run.beyond(run.version, 0.1)
        reader.rows[1] = row("running", clear_number=1)
        assert await run.beyond(run.version, 1)


async def test_watchers_stay_while_the_database_is_unavailable() -> None:
    reader = ScriptedReader(row())
    poller = Poller(QUICK, reader)
    with poller.watch(1) as run:
        await run.beyond(0, 1)
        for error in (OperationalError("SELECT", {}, Exception("away")), RuntimeError("a fault of ours")):
            reader.error = error
            await asyncio.sleep(0.05)
        reader.rows[1], reader.error = row("success"), None
        assert await run.beyond(run.version, 5)
        assert run.view
        assert run.view.has_ended
    # 0.01 + 0.02 + 0.04 + … s: the attempts become fewer.
    assert sum(1 for _ in reader.requests) < 20


async def test_the_number_of_watchers_is_limited() -> None:
    poller = Poller(QUICK, ScriptedReader(row()))
    with poller.watch(1), poller.watch(1), poller.follow_all():
        with pytest.raises(TooManyWatchersError), poller.watch(2):
            pass
        with pytest.raises(TooManyWatchersError):
            poller.check_room()
    poller.check_room()


async def test_a_stopping_server_releases_every_watcher() -> None:
    stops: list[bool] = []
    poller = Poller(QUICK, ScriptedReader(row()), is_stopping=lambda: bool(stops))
    with poller.watch(1) as run, poller.follow_all() as anything:
        await run.beyond(0, 1)
        stops.append(True)
        assert all(await asyncio.gather(run.beyond(run.version, 5), anything.beyond(anything.version, 5)))
        assert poller.is_closing


async def test_any_change_wakes_followers_of_all_runs() -> None:
    reader = ScriptedReader()
    poller = Poller(QUICK, reader)
    with poller.follow_all() as anything:
        await asyncio.sleep(0.05)
        assert all(request.anything for request in reader.requests)
        reader.any_change = True
        assert await anything.beyond(anything.version, 1)


async def test_a_signal_that_has_grown_already_does_not_wait() -> None:
    signal = Signal()
    signal.grow()
    assert await signal.beyond(0, 0)
    assert not await signal.beyond(1, 0)
    assert not await signal.beyond(1, 0.01)


@pytest.mark.parametrize(
    ("found", "view"),
    [
        (poll_result(), RunView(row("running"), (), 0.2)),
        (poll_result(row("success")), RunView(row("success"), (), 0.2)),
        (poll_result(read=frozenset({1})), RunView(None)),
        (poll_result(row("running"), read=frozenset({1}), progress={1: 0.4}), RunView(row("running"), (), 0.4)),
        (poll_result(questions={1: [Question(NOW)]}), RunView(row("running"), (Question(NOW),), 0.2)),
        (poll_result(row("success", 2), read=frozenset({2})), RunView(row("running"), (), 0.2)),
        (poll_result(paused=frozenset({"dag"})), RunView(row("running", is_paused=True), (), 0.2)),
    ],
)
def test_a_view_is_updated_by_a_poll(found: PollResult, view: RunView) -> None:
    assert updated_view(RunView(row("running"), (), 0.2), 1, found) == view


def test_a_run_that_was_not_polled_yet_has_no_view() -> None:
    assert updated_view(None, 1, poll_result()) is None
    assert updated_view(None, 1, poll_result(row())) == RunView(row())
