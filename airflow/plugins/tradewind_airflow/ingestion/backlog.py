"""The records that were read and are not committed yet, and which of them are due. Pure: no Kafka, no clock."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from tradewind_airflow.ingestion.decisions import Work, run_of
from tradewind_service.offset_tracker import OffsetTracker, Partition, TrackedRecord
from tradewind_service.received_records import ReceivedRecord


@dataclass(eq=False)
class Entry(TrackedRecord):
    """A record and its progress. Times are seconds of a monotonic clock.

    While it is in flight it belongs to the thread that processes it, and nothing here but `done` and `run_id` is read.
    """

    record: ReceivedRecord = field(kw_only=True)
    work: Work = field(kw_only=True)
    due: float = 0.0
    unavailable_since: float | None = None
    attempts: int = 0
    in_flight: bool = False
    must_retry: bool = False

    @classmethod
    def of(cls, record: ReceivedRecord, work: Work) -> Self:
        """Return the entry of a record that was just read."""
        return cls(record.topic_partition, record.offset, record=record, work=work)

    @property
    def run_id(self) -> str | None:
        """The run that it is about, as long as it may have to wait for something."""
        return run_of(self.work)

    @property
    def waits(self) -> bool:
        """Whether it has to be tried again: neither done nor dead-lettered."""
        return not self.done and self.run_id is not None


class Backlog(OffsetTracker[Entry]):
    """Owned by the consumer's thread."""

    def due(self, now: float, count: int, size: int) -> list[Entry]:
        """Return unfinished entries whose time has come: at most `count`, about `size` bytes, one at least.

        Entries of one run keep their order: a command waits for a trigger that is in flight or has to wait.
        """
        chosen: list[Entry] = []
        for entry, due in self._due_times():
            if due > now:
                continue
            size -= len(entry.record.value or b"")
            if chosen and (size < 0 or len(chosen) >= count):
                break
            chosen.append(entry)
        return chosen

    def _due_times(self) -> Iterator[tuple[Entry, float]]:
        """Yield what is unfinished, with the time from which it is due: not before earlier entries of its run."""
        latest: dict[str, float] = {}
        for entry in self.unfinished():
            due = math.inf if entry.in_flight else entry.due
            if run_id := entry.run_id:
                due = latest[run_id] = max(due, latest.get(run_id, due))
            yield entry, due

    def next_due(self) -> float:
        """Return when the next entry is due; infinity when all are done or in flight."""
        return min((due for _, due in self._due_times()), default=math.inf)

    def begin(self, entries: Iterable[Entry]) -> None:
        """Mark entries as in flight."""
        for entry in entries:
            entry.in_flight = True

    def end(self, entries: Iterable[Entry]) -> None:
        """Take entries back: each is done, or has to be tried again. Those of dropped partitions stay forgotten."""
        for entry in entries:
            entry.in_flight = False
            entry.must_retry = not entry.done

    def read_ahead(self) -> int:
        """Return how many entries were not tried yet."""
        return sum(not (entry.in_flight or entry.must_retry) for entry in self.unfinished())

    def waiting(self) -> set[Partition]:
        """Return the partitions with records that have to be tried again."""
        return {entry.partition for entry in self.unfinished() if entry.must_retry}
