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
from tradewind_airflow.lifecycle.feed_client import CursorRefusedError
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
    """The fake as the suite requires it."""

    def __init__(self) -> None:
        self.topic = FakeTopic()

    def append(self, one: Record) -> None:
        self.topic.append(one)

    def records(self) -> list[Record]:
        return self.topic.records()


class TestFakeTopic(TopicSuite):
    @pytest.fixture
    def subject(self) -> MemoryTopic:
        return MemoryTopic()


class MemoryFeed:
    """The fake as the suite requires it: each new run is running."""

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


class Harness:
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

    def event_ids(self) -> list[str]:
        return [records.decode(one.value, one.headers).event.event_id for one in self.topic.records()]


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_each_change_is_a_record_with_its_pages_cursor(harness: Harness) -> None:
    harness.feed.happens(changed("a"), changed("b"))
    assert harness.publish() == "2"
    assert sorted(one.key for one in harness.topic.records()) == [b"a", b"b"]
    assert {dict(one.headers)["tradewind-cursor"] for one in harness.topic.records()} == {b"0"}
    assert {dict(one.headers)["tradewind-publisher"] for one in harness.topic.records()} == {PUBLISHER.encode()}


def test_after_a_restart_published_events_are_not_written_again(harness: Harness) -> None:
    harness.feed.happens(changed("a"), changed("b"))
    harness.publish()
    harness.feed.happens(changed("c"))
    harness.publisher = LifecyclePublisher(harness.feed, harness.topic, ALL)
    harness.publish()
    assert sorted(harness.event_ids()) == [changed(run_id).event_id for run_id in "abc"]


def test_it_resumes_from_the_newest_record(harness: Harness) -> None:
    for n in range(3):
        harness.topic.append(record(f"run-{n}", str(n)))
    harness.publish()
    assert harness.feed.requests == ["2"]


def test_without_own_records_it_begins_at_the_look_back() -> None:
    harness = Harness(LifecycleSettings(look_back=60))
    now = datetime.now(UTC)
    old, new = (
        changed(run_id).model_copy(update={"timestamp": now - ago})
        for run_id, ago in (("old", timedelta(hours=1)), ("new", timedelta(seconds=5)))
    )
    harness.feed.happens(old, new)
    harness.publish()
    assert harness.event_ids() == [new.event_id]


def test_only_included_dags_are_published() -> None:
    harness = Harness(LifecycleSettings(look_back=1e9, include="eod_*, recon", exclude="eod_test*"))
    for number, dag_id in enumerate(["eod_pack", "eod_test_1", "recon", "recon_2", "other"]):
        harness.feed.happens(changed(f"{dag_id}", number=number, workflow_id=dag_id))
    assert harness.publish() == "5"
    assert sorted(one.key for one in harness.topic.records()) == [b"eod_pack", b"recon"]


def test_a_refused_cursor_costs_only_repeats(harness: Harness) -> None:
    harness.feed.happens(changed("a"), changed("b"))
    harness.topic.append(record("other", "not a cursor of this feed"))
    harness.publish(2)
    assert sorted(event_id[0] for event_id in harness.event_ids()) == ["a", "b", "o"]


def test_a_feed_that_refuses_its_own_cursor_ends_the_publisher(harness: Harness) -> None:
    class Confused(FakeFeed):
        def begin(self, since: datetime) -> str:  # noqa: ARG002  # the port's signature
            return "not a cursor"

    with pytest.raises(CursorRefusedError):
        LifecyclePublisher(Confused(), harness.topic, ALL).run(harness.stop)


def test_a_stop_before_the_page_comes_publishes_nothing(harness: Harness) -> None:
    harness.feed.happens(changed("a"))
    cursor = harness.publisher.resume(harness.stop)
    assert cursor is not None

    class Stopping(FakeFeed):
        def page(self, cursor: str) -> ChangePage:
            harness.stop.set()
            return super().page(cursor)

    feed = Stopping()
    feed.happens(changed("a"))
    publisher = LifecyclePublisher(feed, harness.topic, ALL)
    assert publisher.advance(cursor, harness.stop) is None
    assert harness.topic.records() == []


def test_unacknowledged_records_do_not_count_as_published(harness: Harness) -> None:
    harness.feed.happens(changed("a"))

    class Stopped(FakeTopic):
        def write(self, outbound: object, stop: threading.Event) -> bool:  # noqa: ARG002  # the port's signature
            return False

    publisher = LifecyclePublisher(harness.feed, Stopped(), ALL)
    assert publisher.advance("0", harness.stop) is None
    assert changed("a").event_id not in publisher._written


@pytest.mark.parametrize(
    "error", [UnreachableError("is Airflow's API server up?"), KafkaException(KafkaError(KafkaError._TRANSPORT))]
)
def test_an_outage_is_logged_once_and_retried(
    harness: Harness, error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    attempts = iter(range(20))

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        if next(attempts) == 10:
            harness.topic.down = None
        return False

    monkeypatch.setattr(harness.stop, "wait", wait)
    harness.topic.down = error
    with caplog.at_level(logging.INFO):
        assert harness.publisher.resume(harness.stop) == "0"
    assert len(waits) == 11
    assert max(waits) <= 5
    logged = [line for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(logged) == 1
    assert "nothing is lost" in logged[0].getMessage()
    assert "works again" in caplog.text


def test_a_failed_login_ends_the_publisher(harness: Harness) -> None:
    harness.feed.down = LoginError("check login, password and role")
    with pytest.raises(LoginError):
        harness.publish()


def test_a_fatal_broker_error_ends_the_publisher(harness: Harness) -> None:
    harness.feed.happens(changed("a"))
    cursor = harness.publisher.resume(harness.stop)
    assert cursor is not None
    harness.topic.down = KafkaException(KafkaError(KafkaError._FATAL))
    with pytest.raises(KafkaException):
        harness.publisher.advance(cursor, harness.stop)


def test_published_events_are_counted(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, int, object]] = []
    lags: list[timedelta] = []
    monkeypatch.setattr(stats, "incr", lambda name, count, tags: counted.append((name, count, tags)))
    monkeypatch.setattr(stats, "timing", lambda _, lag: lags.append(lag))
    fresh = datetime.now(UTC)
    for run, status in (("a", RunStatus.RUNNING), ("b", RunStatus.RUNNING), ("a", RunStatus.FAILED)):
        harness.feed.happens(changed(run, status).model_copy(update={"timestamp": fresh}))
    harness.publish()
    name = "tradewind.lifecycle.events"
    assert counted == [(name, 2, {"status": "running"}), (name, 1, {"status": "failed"})]
    assert all(timedelta() <= lag < timedelta(seconds=30) for lag in lags)
    assert len(lags) == 3


def test_an_event_repeated_by_the_feed_is_written_once(harness: Harness) -> None:
    harness.feed = FakeFeed(overlap=10)
    harness.publisher = LifecyclePublisher(harness.feed, harness.topic, ALL)
    harness.feed.happens(changed("a"))
    harness.publish(5)
    assert len(harness.topic.records()) == 1


def test_recent_ids_are_bounded() -> None:
    recent = RecentIds(3)
    recent.add("abcde")
    assert [one for one in "abcde" if one in recent] == ["c", "d", "e"]
    recent.add("c")
    recent.add("f")
    assert [one for one in "cdef" if one in recent] == ["c", "e", "f"]


def test_run_ends_with_the_stop(harness: Harness) -> None:
    events: list[WorkflowStatusChanged] = [changed(f"run-{n}") for n in range(5)]

    class Scripted(FakeFeed):
        def page(self, cursor: str) -> ChangePage:
            if events:
                self.happens(events.pop(0))
            else:
                harness.stop.set()
            return super().page(cursor)

    LifecyclePublisher(Scripted(), harness.topic, ALL).run(harness.stop)
    assert len(harness.topic.records()) == 5
