"""Contract tests of the change feed and the topic as the lifecycle uses them, for the fakes and the real ones."""

import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest

from tradewind_airflow.lifecycle import checkpoints
from tradewind_airflow.lifecycle.checkpoints import Checkpoint
from tradewind_airflow.lifecycle.feed_client import CursorRefusedError
from tradewind_airflow.lifecycle.publisher import Feed, StatusLog
from tradewind_contracts import records
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.events import StatusPayload, WorkflowStatusChanged
from tradewind_contracts.records import Record
from tradewind_contracts.workflows import RunStatus, WorkflowType

PUBLISHER = "airflow"
WORDS = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.SUCCEEDED)
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def changed(
    run_id: str, status: RunStatus = RunStatus.RUNNING, number: int = 0, **more: object
) -> WorkflowStatusChanged:
    """An event of a run; the same arguments give the same event."""
    return WorkflowStatusChanged.model_validate(
        {
            "event_id": f"{run_id}/{status}/{number}",
            "event_type": f"workflow.{status}",
            "timestamp": BEGIN + timedelta(seconds=number),
            "source": "airflow",
            "workflow_id": more.pop("workflow_id", "test_dag"),
            "workflow_type": WorkflowType.AIRFLOW,
            "workflow_run_id": run_id,
            "payload": StatusPayload.model_validate({"status": status, **more}),
        }
    )


def record(run_id: str, cursor: str, number: int = 0) -> Record:
    """A record of this publisher."""
    return checkpoints.record(changed(run_id, number=number), cursor, PUBLISHER)


def foreign(run_id: str) -> Record:
    """A record of another producer on the same topic."""
    return records.encode(changed(run_id))


class FakeFeed:
    """A feed of given events. Each page of a cursor begins up to `overlap` events before it."""

    def __init__(self, most: int = 500, overlap: int = 0) -> None:
        self.events: list[WorkflowStatusChanged] = []
        self.down: Exception | None = None
        self.requests: list[str] = []
        self._most = most
        self._overlap = overlap

    def happens(self, *events: WorkflowStatusChanged) -> None:
        """Commit events."""
        self.events += events

    def begin(self, since: datetime) -> str:
        if self.down:
            raise self.down
        return str(next((i for i, event in enumerate(self.events) if event.timestamp >= since), len(self.events)))

    def page(self, cursor: str) -> ChangePage:
        self.requests.append(cursor)
        if self.down:
            raise self.down
        if not cursor.isdecimal():
            raise CursorRefusedError(cursor)
        end = int(cursor) + self._most
        found = self.events[max(0, int(cursor) - self._overlap) : end]
        return ChangePage(events=found, cursor=str(min(end, len(self.events))))


@dataclass
class FakeTopic:
    """A topic in memory. `down` is raised by every call."""

    partitions: int = 3
    span: int = 200
    stored: list[tuple[int, Record]] = field(default_factory=list)
    down: Exception | None = None

    def tail(self, stop: threading.Event) -> list[Checkpoint]:  # noqa: ARG002  # the port's signature
        if self.down:
            raise self.down
        span = self.span
        while True:
            found = [checkpoint for checkpoint in self._checkpoints(span) if checkpoint]
            if found or span > len(self.stored):
                return found
            span *= 10

    def _checkpoints(self, span: int) -> list[Checkpoint | None]:
        kept: list[tuple[int, Record]] = []
        for number in range(self.partitions):
            kept += [(at, one) for at, (place, one) in enumerate(self.stored) if place == number][-span:]
        return [checkpoints.read(one.headers, PUBLISHER, at) for at, one in sorted(kept, key=lambda pair: pair[0])]

    def write(self, outbound: Sequence[Record], stop: threading.Event) -> bool:
        if self.down:
            raise self.down
        if stop.is_set():
            return False
        for one in outbound:
            self.append(one)
        return True

    def append(self, one: Record) -> None:
        """Store a record, as any producer does."""
        self.stored.append((zlib.crc32(one.key) % self.partitions, one))

    def records(self) -> list[Record]:
        """The records, each partition's in its order."""
        return [one for _, one in sorted(self.stored, key=lambda pair: pair[0])]


class TopicSubject(Protocol):
    """A topic and its other users."""

    @property
    def topic(self) -> StatusLog: ...

    def append(self, one: Record) -> None:
        """Store a record, as another producer."""
        ...

    def records(self) -> list[Record]:
        """All records, each partition's in its order."""
        ...


class TopicSuite:
    """Subclasses give a `subject` fixture: an empty topic of several partitions."""

    def test_an_empty_topic_has_no_checkpoint(self, subject: TopicSubject, stop: threading.Event) -> None:
        assert subject.topic.tail(stop) == []

    def test_records_are_stored_byte_for_byte(self, subject: TopicSubject, stop: threading.Event) -> None:
        sent = [record(f"run-{n}", "c") for n in range(20)]
        assert subject.topic.write(sent, stop)
        assert sorted(subject.records(), key=lambda one: one.key) == sorted(sent, key=lambda one: one.key)

    def test_one_runs_records_stay_in_order(self, subject: TopicSubject, stop: threading.Event) -> None:
        for page in range(5):
            subject.topic.write(
                [record("run-a", "c", page * 2), record("run-b", "c"), record("run-a", "c", page * 2 + 1)], stop
            )
        found = [one for one in subject.records() if one.key == b"run-a"]
        assert [records.decode(one.value, one.headers).event.event_id for one in found] == [
            f"run-a/running/{n}" for n in range(10)
        ]

    def test_the_tail_ends_with_the_newest_own_record(self, subject: TopicSubject, stop: threading.Event) -> None:
        for n in range(30):
            subject.topic.write([record(f"run-{n}", f"cursor-{n}")], stop)
        found = subject.topic.tail(stop)
        assert found[-1].cursor == "cursor-29"
        assert {checkpoint.event_id for checkpoint in found} == {f"run-{n}/running/0" for n in range(30)}

    def test_others_records_have_no_checkpoint(self, subject: TopicSubject, stop: threading.Event) -> None:
        subject.append(foreign("agent"))
        subject.append(checkpoints.record(changed("other"), "theirs", "another-airflow"))
        assert subject.topic.tail(stop) == []
        subject.topic.write([record("run", "mine")], stop)
        subject.append(checkpoints.record(changed("other"), "theirs", "another-airflow"))
        assert [checkpoint.cursor for checkpoint in subject.topic.tail(stop)] == ["mine"]

    def test_an_own_record_is_found_far_behind_others(self, subject: TopicSubject, stop: threading.Event) -> None:
        subject.topic.write([record("run", "mine")], stop)
        for n in range(2500):
            subject.append(foreign(f"agent-{n}"))
        assert [checkpoint.cursor for checkpoint in subject.topic.tail(stop)] == ["mine"]

    def test_without_own_records_there_is_no_checkpoint(self, subject: TopicSubject, stop: threading.Event) -> None:
        for n in range(2500):
            subject.append(foreign(f"agent-{n}"))
        assert subject.topic.tail(stop) == []

    def test_after_a_stop_nothing_is_written(self, subject: TopicSubject, stop: threading.Event) -> None:
        stop.set()
        assert subject.topic.write([record("run", "c")], stop) is False
        assert subject.records() == []

    def test_writing_nothing_returns_at_once(self, subject: TopicSubject, stop: threading.Event) -> None:
        assert subject.topic.write([], stop)
        assert subject.records() == []


class FeedSubject(Protocol):
    """A feed, and a way to create runs."""

    @property
    def feed(self) -> Feed: ...

    def happens(self, count: int) -> list[str]:
        """Create so many runs; return their ids."""
        ...


def followed(feed: Feed, cursor: str, wanted: set[str], seconds: float = 20) -> tuple[dict[str, list[RunStatus]], str]:
    """Read pages until all wanted runs have events; return the statuses of each in order, and the cursor."""
    statuses: dict[str, list[RunStatus]] = {}
    deadline = time.monotonic() + seconds
    while not wanted <= statuses.keys():
        assert time.monotonic() < deadline, f"missing: {wanted - statuses.keys()}"
        page = feed.page(cursor)
        cursor = page.cursor
        for event in page.events:
            statuses.setdefault(event.workflow_run_id, []).append(event.payload.status)
    return statuses, cursor


class FeedSuite:
    """Subclasses give a `subject` fixture."""

    def test_changes_after_the_beginning_are_returned(self, subject: FeedSubject) -> None:
        cursor = subject.feed.begin(datetime.now(UTC))
        first = subject.happens(3)
        _, cursor = followed(subject.feed, cursor, set(first))
        second = subject.happens(2)
        followed(subject.feed, cursor, set(second))

    def test_changes_since_an_instant_are_returned(self, subject: FeedSubject) -> None:
        before = datetime.now(UTC)
        made = subject.happens(3)
        followed(subject.feed, subject.feed.begin(before - timedelta(seconds=1)), set(made))

    def test_a_cursor_returns_the_same_again(self, subject: FeedSubject) -> None:
        cursor = subject.feed.begin(datetime.now(UTC))
        made = subject.happens(3)
        once, _ = followed(subject.feed, cursor, set(made))
        again, _ = followed(subject.feed, cursor, set(made))
        assert all(once[run_id] == again[run_id][: len(once[run_id])] for run_id in made)

    def test_more_than_a_page_comes_in_pages(self, subject: FeedSubject) -> None:
        cursor = subject.feed.begin(datetime.now(UTC))
        made = subject.happens(620)
        first = subject.feed.page(cursor)
        assert not set(made) <= {event.workflow_run_id for event in first.events}
        followed(subject.feed, cursor, set(made))

    def test_a_foreign_cursor_is_refused(self, subject: FeedSubject) -> None:
        with pytest.raises(CursorRefusedError):
            subject.feed.page("not a cursor")

    def test_an_empty_pages_cursor_is_valid(self, subject: FeedSubject) -> None:
        cursor = subject.feed.begin(datetime.now(UTC))
        made = subject.happens(1)
        _, cursor = followed(subject.feed, cursor, set(made))
        for _ in range(3):
            page = subject.feed.page(cursor)
            assert not set(made) & {event.workflow_run_id for event in page.events if event.payload.status.is_terminal}
            cursor = page.cursor
        followed(subject.feed, cursor, set(subject.happens(1)))
