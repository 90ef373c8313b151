"""From the change feed to the status topic, page by page."""

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from airflow.observability import stats
from confluent_kafka import KafkaException

from tradewind_airflow.lifecycle import checkpoints
from tradewind_airflow.lifecycle.checkpoints import Checkpoint
from tradewind_airflow.lifecycle.feed_client import CursorRefusedError
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.triggerer.errors import UnreachableError
from tradewind_airflow.triggerer.outage import Outage
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_contracts.records import Record
from tradewind_service.backoff import Backoff

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Feed(Protocol):
    """Where the changes are read from; see `ChangeFeedClient`."""

    def begin(self, since: datetime) -> str:
        """Return the cursor of an instant."""
        ...

    def page(self, cursor: str) -> ChangePage:
        """Return what happened since the cursor."""
        ...


class StatusLog(Protocol):
    """Where the events are published; see `StatusTopic`."""

    def tail(self, stop: threading.Event) -> list[Checkpoint]:
        """Return the checkpoints at the topic's end, oldest first."""
        ...

    def write(self, outbound: Sequence[Record], stop: threading.Event) -> bool:
        """Return whether all records are acknowledged."""
        ...


class RecentIds:
    """The most recent event ids, at most `most`."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, event_id: str) -> bool:
        return event_id in self._ids

    def add(self, event_ids: Iterable[str]) -> None:
        """Add ids, and drop the oldest beyond the bound."""
        for event_id in event_ids:
            self._ids[event_id] = None
            self._ids.move_to_end(event_id)
        while len(self._ids) > self._most:
            self._ids.popitem(last=False)


class LifecyclePublisher:
    """Publishes the status changes of the DAG runs that `settings` include. Not thread-safe.

    The next page is requested only when all records of the last are acknowledged, as `checkpoints` requires. An event
    that is known to be on the topic is not written again.
    """

    def __init__(
        self, feed: Feed, topic: StatusLog, settings: LifecycleSettings, written: RecentIds | None = None
    ) -> None:
        self._feed = feed
        self._topic = topic
        self._settings = settings
        self._written = RecentIds() if written is None else written
        self._outage = Outage("the lifecycle's events")
        self._beginning: str | None = None

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set. Raises errors that need a new client or producer."""
        cursor = self.resume(stop)
        while cursor is not None and not stop.is_set():
            cursor = self.advance(cursor, stop)

    def resume(self, stop: threading.Event) -> str | None:
        """Return the cursor to resume from; None after a stop."""
        return self._retry(lambda: self._after_tail(stop), stop)

    def advance(self, cursor: str, stop: threading.Event) -> str | None:
        """Publish the page of a cursor, and return the next cursor; None after a stop."""
        try:
            page = self._retry(lambda: self._feed.page(cursor), stop)
        except CursorRefusedError as error:
            if cursor == self._beginning:
                raise
            logger.warning("the feed refused the topic's last cursor (%s)", error)
            return self._retry(self._begin_at_look_back, stop)
        if page is None or stop.is_set():
            return None
        return page.cursor if self._publish(page.events, cursor, stop) else None

    def _after_tail(self, stop: threading.Event) -> str:
        found = self._topic.tail(stop)
        if not found:
            return self._begin_at_look_back()
        self._written.add(checkpoint.event_id for checkpoint in found)
        logger.info("resuming from the newest of %d own records at the topic's end", len(found))
        return found[-1].cursor

    def _begin_at_look_back(self) -> str:
        since = datetime.now(UTC) - timedelta(seconds=self._settings.look_back)
        logger.info("publishing what happened since %s", since.isoformat(timespec="seconds"))
        self._beginning = self._feed.begin(since)
        return self._beginning

    def _retry(self, attempt: Callable[[], T], stop: threading.Event) -> T | None:
        backoff = Backoff()
        while not stop.is_set():
            try:
                result = attempt()
            except (UnreachableError, KafkaException) as error:
                self._outage.begin(error)
                stop.wait(backoff.next())
            else:
                self._outage.end()
                return result
        return None

    def _publish(self, events: Iterable[WorkflowStatusChanged], cursor: str, stop: threading.Event) -> bool:
        fresh = [event for event in events if self._is_new(event)]
        if not fresh:
            return True
        outbound = [checkpoints.record(event, cursor, self._settings.publisher) for event in fresh]
        if not self._topic.write(outbound, stop):
            return False
        self._written.add(event.event_id for event in fresh)
        _count(fresh)
        return True

    def _is_new(self, event: WorkflowStatusChanged) -> bool:
        return self._settings.includes(event.workflow_id) and event.event_id not in self._written


def _count(events: Sequence[WorkflowStatusChanged]) -> None:
    now = time.time()
    for status, count in Counter(event.payload.status.value for event in events).items():
        stats.incr("tradewind.lifecycle.events", count, tags={"status": status})
    for event in events:
        stats.timing("tradewind.lifecycle.lag", timedelta(seconds=max(0.0, now - event.timestamp.timestamp())))
