"""Which offsets may be committed: the low-water mark of finished work, per partition."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

Partition = tuple[str, int]
"""(topic, partition)"""


@dataclass(eq=False)
class Slot:
    """One record in work. `done` may be set from any thread; a slot of a partition that was dropped has no effect."""

    partition: Partition
    offset: int
    done: bool = False


class OffsetTracker:
    """Follows the records in work, in the order of their offsets.

    An offset is committable only when it and all before it are done: what is redelivered after a crash begins at the
    oldest unfinished record. All but `Slot.done` belongs to one thread.
    """

    def __init__(self) -> None:
        self._windows: dict[Partition, deque[Slot]] = {}

    def track(self, partition: Partition, offset: int) -> Slot:
        """Begin to follow a record."""
        slot = Slot(partition, offset)
        self._windows.setdefault(partition, deque()).append(slot)
        return slot

    def advance(self) -> dict[Partition, int]:
        """Return the next offset to read of each partition whose low-water mark moved, and forget what lies below."""
        moved = {partition: self._advance(window) for partition, window in self._windows.items()}
        return {partition: offset for partition, offset in moved.items() if offset is not None}

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that another consumer owns now."""
        for partition in partitions:
            self._windows.pop(partition, None)

    @property
    def span(self) -> int:
        """How many records are held back by the oldest unfinished ones, themselves included."""
        return sum(len(window) for window in self._windows.values())

    @staticmethod
    def _advance(window: deque[Slot]) -> int | None:
        offset = None
        while window and window[0].done:
            offset = window.popleft().offset + 1
        return offset
