"""Events this process has returned, so that it does not return them twice; after a restart some are repeated."""

import hashlib
from collections.abc import Iterable

from cachetools import LRUCache

from tradewind_airflow.feed.cursors import CommitPoint

EVENTS = 20_000
PAUSED_SETS = 64


class SentEvents:
    """The events returned and the sets of paused DAGs seen; bounded. Not thread-safe: the owner holds a lock."""

    def __init__(self) -> None:
        self._events: LRUCache[str, CommitPoint] = LRUCache(EVENTS)
        self._paused: LRUCache[str, frozenset[str]] = LRUCache(PAUSED_SETS)

    def was_sent_before(self, event_id: str, point: CommitPoint) -> bool:
        """Whether the reader of a cursor with this commit point has the event: it was visible before that point."""
        seen = self._events.get(event_id)
        return seen is not None and seen.scope == point.scope and seen.number <= point.number

    def add(self, event_id: str, seen: CommitPoint) -> None:
        """Record that an event was visible to a read that ended before `seen`."""
        known = self._events.get(event_id)
        if known is None or known.scope != seen.scope or seen.number < known.number:
            self._events[event_id] = seen

    def toggled(self, before: str, paused: frozenset[str]) -> frozenset[str] | None:
        """Return the DAGs that were paused or unpaused since the digest `before`; None where it is unknown."""
        self._paused[digest(paused)] = paused
        known = self._paused.get(before)
        return None if known is None else known ^ paused


def digest(paused: Iterable[str]) -> str:
    """Return the digest by which a cursor identifies a set of paused DAGs."""
    return hashlib.blake2b("\n".join(sorted(paused)).encode(), digest_size=8).hexdigest()
