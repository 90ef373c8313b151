"""Which offsets may be committed: the low-water mark of finished records, per partition. Pure: no Kafka, no clock."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

Partition = tuple[str, int]
"""Topic and partition number."""


@dataclass(eq=False)
class TrackedRecord:
    """A record that was consumed and is not committed yet. `done` may be set from any thread.

    Once its partition is dropped, setting it has no effect.
    """

    partition: Partition
    offset: int
    done: bool = False


RecordT = TypeVar("RecordT", bound=TrackedRecord)


class OffsetTracker(Generic[RecordT]):
    """Tracks the records of each partition in the order of their offsets.

    An offset is committable only when its record and all before it are done: after a crash,
    redelivery starts at the oldest unfinished record. Not thread-safe, except for `TrackedRecord.done`.
    """

    def __init__(self) -> None:
        self._records: dict[Partition, deque[RecordT]] = {}
        self._uncommitted: dict[Partition, int] = {}

    def track(self, record: RecordT) -> None:
        """Track a record."""
        self._records.setdefault(record.partition, deque()).append(record)

    def unfinished(self) -> Iterator[RecordT]:
        """Return the records that are not done, partition by partition, in the order of their offsets."""
        return (record for record in chain.from_iterable(self._records.values()) if not record.done)

    def committable(self) -> dict[Partition, int]:
        """Return the next offset to read of each partition that has one which `committed` has not confirmed."""
        for partition, records in self._records.items():
            while records and records[0].done:
                self._uncommitted[partition] = records.popleft().offset + 1
        return dict(self._uncommitted)

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note that Kafka has stored these offsets."""
        for partition, offset in offsets.items():
            if self._uncommitted.get(partition) == offset:
                del self._uncommitted[partition]

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that another consumer owns now."""
        for partition in partitions:
            self._records.pop(partition, None)
            self._uncommitted.pop(partition, None)

    @property
    def span(self) -> int:
        """Number of records that cannot be committed because of the oldest unfinished ones, including these."""
        return sum(len(records) for records in self._records.values())
