"""Values that are computed once for each version of a DAG."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

from tradewind_airflow.runs.dags import DagKey

T = TypeVar("T")


class VersionCache(Generic[T]):
    """Keeps the values of the `size` versions that were used last; shared by a process's threads."""

    def __init__(self, size: int) -> None:
        self._lock = threading.Lock()
        self._values: LRUCache[DagKey, T] = LRUCache(size)

    def get(self, key: DagKey, compute: Callable[[], T]) -> T:
        """Return the value of a version; what `compute` raises is not kept."""
        with self._lock:
            if key in self._values:
                return self._values[key]
        # Outside the lock: two threads may compute the same value, none waits for another's.
        value = compute()
        with self._lock:
            self._values[key] = value
        return value
