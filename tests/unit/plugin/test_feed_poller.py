"""The one task that looks: when, for whom, and what it does while the database is away. The looks here are scripted."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from tradewind_airflow.feed.looker import Look, Looker, Wanted, seen
from tradewind_airflow.feed.poller import Poller, Signal, TooManyWatchersError
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.settings import FeedSettings
from tradewind_airflow.feed.views import View

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUICK = FeedSettings(watch_interval=0.01, progress_interval=0.05, max_watchers=3)


def row(state: str = "queued", row_id: int = 1, **more: Any) -> RunRow:
    dates = {"start_date": NOW if state != "queued" else None, "end_date": NOW if state == "success" else None}
    values = {"clear_number": 0, "queued_at": NOW, "updated_at": NOW, "is_paused": False, **dates, **more}
    return RunRow(id=row_id, dag_id="dag", run_id="run", state=state, **values)


def look(*rows: RunRow, **more: Any) -> Look:
    values = {"read": frozenset(), "questions": {}, "progress": {}, "paused": frozenset(), "news": False, **more}
    return Look(rows={one.id: one for one in rows}, **values)


class ScriptedLooker(Looker):
    """Knows what the database would say, and counts how often it is asked."""

    def __init__(self, *rows: RunRow) -> None:
        super().__init__()
        self.rows = {one.id: one for one in rows}
        self.wanted: list[Wanted] = []
        self.error: Exception | None = None
        self.news = False
        self.loop = asyncio.get_running_loop()
        self.third = self.loop.create_future()

    def look(self, wanted: Wanted) -> Look:
        self.wanted.append(wanted)
        if len(self.wanted) == 3:
            self.loop.call_soon_threadsafe(self.third.set_result, None)
        if self.error:
            raise self.error
        return look(*self.rows.values(), read=wanted.watched, news=self.news)


async def test_nobody_listens_nobody_looks() -> None:
    looker = ScriptedLooker(row())
    poller = Poller(QUICK, looker)
    await asyncio.sleep(0.05)
    assert looker.wanted == []
    with poller.watch(1):
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.05)
    looked = len(looker.wanted)
    assert looked >= 2
    await asyncio.sleep(0.05)
    assert len(looker.wanted) == looked


async def test_a_thousand_who_watch_cost_the_looks_of_one() -> None:
    looker = ScriptedLooker(row())
    poller = Poller(FeedSettings(watch_interval=0.05), looker)

    async def wait() -> str:
        with poller.watch(1) as run:
            while not (run.view and run.view.has_ended):
                await run.beyond(run.version, 5)
            return run.view.transitions[-1].status.value

    clients = [asyncio.create_task(wait()) for _ in range(1000)]
    await asyncio.wait_for(looker.third, 30)
    looker.rows[1] = row("success")
    assert set(await asyncio.gather(*clients)) == {"succeeded"}
    assert len(looker.wanted) <= 20
    assert {wanted.watched for wanted in looker.wanted[:3]} == {frozenset({1})}
    await poller.close()


async def test_only_another_view_wakes_who_watches() -> None:
    looker = ScriptedLooker(row("running"))
    poller = Poller(QUICK, looker)
    with poller.watch(1) as run:
        assert await run.beyond(0, 1)
        looker.rows[1] = row("running", updated_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert not await run.beyond(run.version, 0.1)
        looker.rows[1] = row("running", clear_number=1)
        assert await run.beyond(run.version, 1)


async def test_who_watches_stays_while_the_database_is_away() -> None:
    looker = ScriptedLooker(row())
    poller = Poller(QUICK, looker)
    with poller.watch(1) as run:
        await run.beyond(0, 1)
        for error in (OperationalError("SELECT", {}, Exception("away")), RuntimeError("a fault of ours")):
            looker.error = error
            await asyncio.sleep(0.05)
        looker.rows[1], looker.error = row("success"), None
        assert await run.beyond(run.version, 5)
        assert run.view
        assert run.view.has_ended
    # 0.01 + 0.02 + 0.04 + … s: the tries grow fewer.
    assert sum(1 for _ in looker.wanted) < 20


async def test_there_is_room_for_so_many_and_no_more() -> None:
    poller = Poller(QUICK, ScriptedLooker(row()))
    with poller.watch(1), poller.watch(1), poller.follow_all():
        with pytest.raises(TooManyWatchersError), poller.watch(2):
            pass
        with pytest.raises(TooManyWatchersError):
            poller.check_room()
    poller.check_room()


async def test_a_server_that_stops_lets_everybody_go() -> None:
    stops: list[bool] = []
    poller = Poller(QUICK, ScriptedLooker(row()), stop_is_asked_for=lambda: bool(stops))
    with poller.watch(1) as run, poller.follow_all() as anything:
        await run.beyond(0, 1)
        stops.append(True)
        assert all(await asyncio.gather(run.beyond(run.version, 5), anything.beyond(anything.version, 5)))
        assert poller.is_closing


async def test_any_change_wakes_who_follows_all() -> None:
    looker = ScriptedLooker()
    poller = Poller(QUICK, looker)
    with poller.follow_all() as anything:
        await asyncio.sleep(0.05)
        assert all(wanted.anything for wanted in looker.wanted)
        looker.news = True
        assert await anything.beyond(anything.version, 1)


async def test_a_signal_that_has_grown_already_waits_for_nothing() -> None:
    signal = Signal()
    signal.grow()
    assert await signal.beyond(0, 0)
    assert not await signal.beyond(1, 0)
    assert not await signal.beyond(1, 0.01)


@pytest.mark.parametrize(
    ("found", "view"),
    [
        (look(), View(row("running"), (), 0.2)),
        (look(row("success")), View(row("success"), (), 0.2)),
        (look(read=frozenset({1})), View(None)),
        (look(row("running"), read=frozenset({1}), progress={1: 0.4}), View(row("running"), (), 0.4)),
        (look(questions={1: [Question(NOW)]}), View(row("running"), (Question(NOW),), 0.2)),
        (look(row("success", 2), read=frozenset({2})), View(row("running"), (), 0.2)),
        (look(paused=frozenset({"dag"})), View(row("running", is_paused=True), (), 0.2)),
    ],
)
def test_a_view_takes_in_what_a_look_found(found: Look, view: View) -> None:
    assert seen(View(row("running"), (), 0.2), 1, found) == view


def test_a_run_that_no_look_has_read_yet_has_no_view() -> None:
    assert seen(None, 1, look()) is None
    assert seen(None, 1, look(row())) == View(row())
