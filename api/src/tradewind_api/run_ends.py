"""Wakes the callers that wait for the end of a run."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class RunEnds:
    """The waiting callers by run id. `report` may be called from any thread, all else belongs to one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextmanager
    def awaited(self, workflow_run_id: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the end of this run is reported."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        events = self._waiting.setdefault(workflow_run_id, set())
        events.add(event)
        try:
            yield event
        finally:
            events.remove(event)
            if not events:
                del self._waiting[workflow_run_id]

    def report(self, workflow_run_id: str) -> None:
        """Wake the callers that wait for this run."""
        if self._loop is not None and workflow_run_id in self._waiting:
            self._loop.call_soon_threadsafe(self._wake, workflow_run_id)

    def _wake(self, workflow_run_id: str) -> None:
        for event in self._waiting.get(workflow_run_id, ()):
            event.set()
