"""What this process has told already. It only saves repeats: without it, as after a restart, more is told again."""

import hashlib
from collections.abc import Iterable

from cachetools import LRUCache

from tradewind_airflow.feed.cursors import Mark

EVENTS = 20_000
PAUSED_SETS = 64


class Told:
    """Remembers events, and which DAGs were paused; bounded. Its owner keeps threads apart."""

    def __init__(self) -> None:
        self._events: LRUCache[str, Mark] = LRUCache(EVENTS)
        self._paused: LRUCache[str, frozenset[str]] = LRUCache(PAUSED_SETS)

    def is_told(self, event_id: str, mark: Mark) -> bool:
        """Whether the reader of a cursor with this mark has had the event: it was visible before the mark."""
        seen = self._events.get(event_id)
        return seen is not None and seen.scope == mark.scope and seen.number <= mark.number

    def tell(self, event_id: str, seen: Mark) -> None:
        """Remember that an event was visible to a look which ended before `seen`."""
        known = self._events.get(event_id)
        if known is None or known.scope != seen.scope or seen.number < known.number:
            self._events[event_id] = seen

    def flipped(self, before: str, paused: frozenset[str]) -> frozenset[str] | None:
        """Return the DAGs that were paused or unpaused since the digest `before`; None where nobody remembers."""
        self._paused[digest(paused)] = paused
        known = self._paused.get(before)
        return None if known is None else known ^ paused


def digest(paused: Iterable[str]) -> str:
    """Return what stands in a cursor for the set of paused DAGs."""
    return hashlib.blake2b("\n".join(sorted(paused)).encode(), digest_size=8).hexdigest()
