"""The records that were read and are not committed yet, and which of them are due. Pure: no Kafka, no clock."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from tradewind_airflow.ingestion.decisions import Work, run_of
from tradewind_service.offset_tracker import OffsetTracker, Partition, TrackedRecord
from tradewind_service.received_records import ReceivedRecord


@dataclass(eq=False)
class Entry(TrackedRecord):
    """A record and how far it is. Times are seconds of a monotonic clock."""

    record: ReceivedRecord = field(kw_only=True)
    work: Work = field(kw_only=True)
    due: float = 0.0
    unavailable_since: float | None = None
    attempts: int = 0

    @classmethod
    def of(cls, record: ReceivedRecord, work: Work) -> Self:
        """Return the entry of a record that was just read."""
        return cls(record.topic_partition, record.offset, record=record, work=work)

    @property
    def run_id(self) -> str | None:
        """The run that it is about, if it waits for anything."""
        return run_of(self.work)

    @property
    def waits(self) -> bool:
        """Whether it has to be tried again: neither done nor given up."""
        return not self.done and self.run_id is not None


class Backlog(OffsetTracker[Entry]):
    """Owned by the consumer's thread."""

    def due(self, now: float, count: int, size: int) -> list[Entry]:
        """Return unfinished entries whose time has come: at most `count`, about `size` bytes, one at least.

        What is about one run comes in its order: a command waits for the trigger that has to wait.
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
            due = entry.due
            if run_id := entry.run_id:
                due = latest[run_id] = max(due, latest.get(run_id, due))
            yield entry, due

    def next_due(self) -> float | None:
        """Return when the next entry is due; None when all are done."""
        return min((due for _, due in self._due_times()), default=None)

    def waiting(self) -> set[Partition]:
        """Return the partitions with records that are not done."""
        return {entry.partition for entry in self.unfinished()}
