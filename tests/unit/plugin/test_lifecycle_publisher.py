import logging
import threading
from datetime import UTC, datetime, timedelta

import pytest
from airflow.observability import stats
from confluent_kafka import KafkaError, KafkaException

from support.lifecycle_suite import (
    PUBLISHER,
    FakeFeed,
    FakeTopic,
    FeedSuite,
    TopicSuite,
    changed,
    record,
)
from tradewind_airflow.lifecycle.changes import CursorRefusedError
from tradewind_airflow.lifecycle.publisher import LifecyclePublisher, RecentIds
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.triggerer.errors import LoginError, UnreachableError
from tradewind_contracts import records
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_contracts.records import Record
from tradewind_contracts.workflows import RunStatus

ALL = LifecycleSettings(look_back=1e9)


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


class MemoryTopic:
    """The fake as the suite wants it."""

    def __init__(self) -> None:
        self.topic = FakeTopic()

    def append(self, one: Record) -> None:
        self.topic.append(one)

    def standing(self) -> list[Record]:
        return self.topic.standing()


class TestFakeTopic(TopicSuite):
    @pytest.fixture
    def subject(self) -> MemoryTopic:
        return MemoryTopic()


class MemoryFeed:
    """The fake as the suite wants it: each run that is made has begun."""

    def __init__(self) -> None:
        self.feed = FakeFeed()
        self._made = 0

    def happens(self, count: int) -> list[str]:
        made = [f"run-{self._made + n}" for n in range(count)]
        self._made += count
        for run_id in made:
            event = changed(run_id).model_copy(update={"timestamp": datetime.now(UTC)})
            self.feed.happens(event)
        return made


class TestFakeFeed(FeedSuite):
    @pytest.fixture
    def subject(self) -> MemoryFeed:
        return MemoryFeed()


class Desk:
    """A publisher with its parts in reach."""

    def __init__(self, settings: LifecycleSettings = ALL, *, most: int = 500) -> None:
        self.feed = FakeFeed(most)
        self.topic = FakeTopic()
        self.stop = threading.Event()
        self.publisher = LifecyclePublisher(self.feed, self.topic, settings)

    def publish(self, pages: int = 1) -> str | None:
        cursor = self.publisher.resume(self.stop)
        for _ in range(pages):
            assert cursor is not None
            cursor = self.publisher.advance(cursor, self.stop)
        return cursor

    def told(self) -> list[str]:
        return [records.decode(one.value, one.headers).event.event_id for one in self.topic.standing()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_each_change_is_a_record_with_its_pages_cursor(desk: Desk) -> None:
    desk.feed.happens(changed("a"), changed("b"))
    assert desk.publish() == "2"
    assert sorted(one.key for one in desk.topic.standing()) == [b"a", b"b"]
    assert {dict(one.headers)["tradewind-cursor"] for one in desk.topic.standing()} == {b"0"}
    assert {dict(one.headers)["tradewind-publisher"] for one in desk.topic.standing()} == {PUBLISHER.encode()}


def test_after_a_restart_what_stands_there_is_not_written_again(desk: Desk) -> None:
    desk.feed.happens(changed("a"), changed("b"))
    desk.publish()
    desk.feed.happens(changed("c"))
    desk.publisher = LifecyclePublisher(desk.feed, desk.topic, ALL)
    desk.publish()
    assert sorted(desk.told()) == [changed(run_id).event_id for run_id in "abc"]


def test_it_goes_on_from_the_newest_record(desk: Desk) -> None:
    for n in range(3):
        desk.topic.append(record(f"run-{n}", str(n)))
    desk.publish()
    assert desk.feed.asked == ["2"]


def test_with_nothing_of_ours_it_begins_as_far_back_as_it_is_told() -> None:
    desk = Desk(LifecycleSettings(look_back=60))
    now = datetime.now(UTC)
    old, new = (
        changed(run_id).model_copy(update={"timestamp": now - ago})
        for run_id, ago in (("old", timedelta(hours=1)), ("new", timedelta(seconds=5)))
    )
    desk.feed.happens(old, new)
    desk.publish()
    assert desk.told() == [new.event_id]


def test_only_what_is_included_is_told_of() -> None:
    desk = Desk(LifecycleSettings(look_back=1e9, include="eod_*, recon", exclude="eod_test*"))
    for number, dag_id in enumerate(["eod_pack", "eod_test_1", "recon", "recon_2", "other"]):
        desk.feed.happens(changed(f"{dag_id}", number=number, workflow_id=dag_id))
    assert desk.publish() == "5"
    assert sorted(one.key for one in desk.topic.standing()) == [b"eod_pack", b"recon"]


def test_a_cursor_that_is_refused_costs_repeats_and_nothing_else(desk: Desk) -> None:
    desk.feed.happens(changed("a"), changed("b"))
    desk.topic.append(record("other", "not a cursor of this feed"))
    desk.publish(2)
    assert sorted(event_id[0] for event_id in desk.told()) == ["a", "b", "o"]


def test_a_feed_that_refuses_its_own_cursor_ends_it(desk: Desk) -> None:
    class Confused(FakeFeed):
        def begin(self, since: datetime) -> str:  # noqa: ARG002  # the port's signature
            return "no cursor of mine"

    with pytest.raises(CursorRefusedError):
        LifecyclePublisher(Confused(), desk.topic, ALL).run(desk.stop)


def test_a_stop_before_the_page_comes_publishes_nothing(desk: Desk) -> None:
    desk.feed.happens(changed("a"))
    cursor = desk.publisher.resume(desk.stop)
    assert cursor is not None

    class Stopping(FakeFeed):
        def page(self, cursor: str) -> ChangePage:
            desk.stop.set()
            return super().page(cursor)

    feed = Stopping()
    feed.happens(changed("a"))
    publisher = LifecyclePublisher(feed, desk.topic, ALL)
    assert publisher.advance(cursor, desk.stop) is None
    assert desk.topic.standing() == []


def test_records_that_are_not_acknowledged_are_not_counted_as_there(desk: Desk) -> None:
    desk.feed.happens(changed("a"))

    class Stopped(FakeTopic):
        def write(self, outbound: object, stop: threading.Event) -> bool:  # noqa: ARG002  # the port's signature
            return False

    publisher = LifecyclePublisher(desk.feed, Stopped(), ALL)
    assert publisher.advance("0", desk.stop) is None
    assert changed("a").event_id not in publisher._written


@pytest.mark.parametrize(
    "error", [UnreachableError("is Airflow's API server up?"), KafkaException(KafkaError(KafkaError._TRANSPORT))]
)
def test_an_outage_is_told_once_and_waited_for(
    desk: Desk, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    attempts = iter(range(20))

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if next(attempts) == 10:
            desk.topic.down = None
        return False

    monkeypatch.setattr(desk.stop, "wait", wait)
    desk.topic.down = error
    with caplog.at_level(logging.INFO):
        assert desk.publisher.resume(desk.stop) == "0"
    assert len(waits) == 11
    assert max(waits) <= 5
    told = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(told) == 1
    assert "Nothing is lost" in told[0].getMessage()
    assert "works again" in caplog.text


def test_what_somebody_has_to_mend_ends_it(desk: Desk) -> None:
    desk.feed.down = LoginError("check login, password and role")
    with pytest.raises(LoginError):
        desk.publish()


def test_a_broker_that_refuses_ends_it(desk: Desk) -> None:
    desk.feed.happens(changed("a"))
    cursor = desk.publisher.resume(desk.stop)
    assert cursor is not None
    desk.topic.down = KafkaException(KafkaError(KafkaError._FATAL))
    with pytest.raises(KafkaException):
        desk.publisher.advance(cursor, desk.stop)


def test_it_counts_what_it_published(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, object]] = []
    lags: list[timedelta] = []
    monkeypatch.setattr(stats, "incr", lambda name, tags: counted.append((name, tags)))
    monkeypatch.setattr(stats, "timing", lambda _, lag: lags.append(lag))
    fresh = datetime.now(UTC)
    for status in (RunStatus.RUNNING, RunStatus.FAILED):
        desk.feed.happens(changed("a", status).model_copy(update={"timestamp": fresh}))
    desk.publish()
    assert counted == [("tradewind.lifecycle.events", {"status": status}) for status in ("running", "failed")]
    assert all(timedelta() <= lag < timedelta(seconds=30) for lag in lags)
    assert len(lags) == 2


def test_a_run_that_is_repeated_by_the_feed_is_written_once(desk: Desk) -> None:
    desk.feed = FakeFeed(overlap=10)
    desk.publisher = LifecyclePublisher(desk.feed, desk.topic, ALL)
    desk.feed.happens(changed("a"))
    desk.publish(5)
    assert len(desk.topic.standing()) == 1


def test_recent_ids_are_bounded() -> None:
    recent = RecentIds(3)
    recent.add("abcde")
    assert [one for one in "abcde" if one in recent] == ["c", "d", "e"]
    recent.add("c")
    recent.add("f")
    assert [one for one in "cdef" if one in recent] == ["c", "e", "f"]


def test_run_ends_with_the_stop(desk: Desk) -> None:
    events: list[WorkflowStatusChanged] = [changed(f"run-{n}") for n in range(5)]

    class Scripted(FakeFeed):
        def page(self, cursor: str) -> ChangePage:
            if events:
                self.happens(events.pop(0))
            else:
                desk.stop.set()
            return super().page(cursor)

    LifecyclePublisher(Scripted(), desk.topic, ALL).run(desk.stop)
    assert len(desk.topic.standing()) == 5
