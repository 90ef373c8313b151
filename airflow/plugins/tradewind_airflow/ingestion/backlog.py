"""The records that were read and are not committed yet, by partition. Pure: no Kafka, no clock.

A partition's offset may move up to its first record that is not settled, and no further.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tradewind_airflow.ingestion.decisions import Inbound, Place, Work, run_of


@dataclass
class Entry:
    """A record and how far it is. Times are seconds of a monotonic clock."""

    record: Inbound
    work: Work
    settled: bool = False
    due: float = 0.0
    unavailable_since: float | None = None
    attempts: int = 0

    @property
    def run_id(self) -> str | None:
        """The run that it is about, if it waits for anything."""
        return run_of(self.work)

    @property
    def waits(self) -> bool:
        """Whether it has to be tried again: neither settled nor given up."""
        return not self.settled and self.run_id is not None


class Backlog:
    """Owned by the consumer's thread."""

    def __init__(self) -> None:
        self._entries: dict[Place, deque[Entry]] = {}
        self._positions: dict[Place, int] = {}

    def add(self, entry: Entry) -> None:
        """Take a record; a partition's records come in the order of their offsets."""
        self._entries.setdefault(entry.record.place, deque()).append(entry)

    def due(self, now: float, count: int, size: int) -> list[Entry]:
        """Return unsettled entries whose time has come: at most `count`, about `size` bytes, one at least.

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
        """What is unsettled, with the time from which it may be settled: not before what came before it for its run."""
        latest: dict[str, float] = {}
        for entry in self._unsettled():
            due = entry.due
            if run_id := entry.run_id:
                due = latest[run_id] = max(due, latest.get(run_id, due))
            yield entry, due

    def _unsettled(self) -> Iterable[Entry]:
        return (entry for entries in self._entries.values() for entry in entries if not entry.settled)

    def next_due(self) -> float | None:
        """Return when the next entry is due; None when all are settled."""
        return min((due for _, due in self._due_times()), default=None)

    def waiting(self) -> set[Place]:
        """Return the partitions with records that are not settled."""
        return {entry.record.place for entry in self._unsettled()}

    def positions(self) -> dict[Place, int]:
        """Return, per partition, the offset to commit: that of the first record that is not settled."""
        for place, entries in self._entries.items():
            while entries and entries[0].settled:
                self._positions[place] = entries.popleft().record.offset + 1
        return dict(self._positions)

    def committed(self, positions: Mapping[Place, int]) -> None:
        """Take note that Kafka has stored these."""
        for place, offset in positions.items():
            if self._positions.get(place) == offset:
                del self._positions[place]

    def forget(self, places: Iterable[Place]) -> None:
        """Drop what belongs to others now: they read it again, from the last committed offset."""
        for place in places:
            self._entries.pop(place, None)
            self._positions.pop(place, None)
