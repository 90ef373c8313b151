"""The one task per process that polls the database while clients wait, and wakes those whose run changed.

A client's only state is the id of the last event it received: what it missed is derived again from the run's row. So a
slow client costs no memory, and a thousand clients cost one set of queries per interval.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError

from tradewind_airflow.feed.change_reader import ChangeReader, PollRequest, PollResult, updated_view
from tradewind_airflow.feed.run_view import RunView
from tradewind_airflow.feed.settings import FeedSettings

logger = logging.getLogger(__name__)

MAX_RETRY_SECONDS = 5.0
"""The longest pause between two attempts while the database is unavailable."""


class TooManyWatchersError(RuntimeError):
    """This process has its maximum number of waiting clients."""


class Signal:
    """A version number that grows, and can be awaited."""

    def __init__(self) -> None:
        self.version = 0
        self._grown = asyncio.Event()

    def grow(self) -> None:
        """Wake every waiter."""
        self.version += 1
        waited, self._grown = self._grown, asyncio.Event()
        waited.set()

    async def beyond(self, version: int, seconds: float) -> bool:
        """Wait until the version is not `version`; False after `seconds`."""
        grown = self._grown
        if self.version == version and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await grown.wait()
            except TimeoutError:
                pass
        return self.version != version


class WatchedRun(Signal):
    """A run that clients watch; `view` is None until the first poll."""

    def __init__(self) -> None:
        super().__init__()
        self.view: RunView | None = None
        self.listeners = 0

    def show(self, view: RunView | None) -> None:
        """Store a poll's view, and wake the listeners if it differs visibly."""
        if view is not None and view is not self.view:
            before, self.view = self.view, view
            if before is None or before.visible != view.visible:
                self.grow()


class Poller:
    """Belongs to one event loop; every method is called on it."""

    def __init__(
        self,
        settings: FeedSettings,
        reader: ChangeReader | None = None,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.settings = settings
        self.anything = Signal()
        self.is_closing = False
        """Set when the server stops: waiting requests then answer at once, so that they do not delay the shutdown."""
        self._reader = reader or ChangeReader()
        self._is_stopping = is_stopping
        self._runs: dict[int, WatchedRun] = {}
        self._listeners = 0
        self._following_all = 0
        self._task: asyncio.Task[None] | None = None
        self._thorough_at = 0.0

    @contextmanager
    def watch(self, row_id: int) -> Iterator[WatchedRun]:
        """Watch a run within the block; raise `TooManyWatchersError`."""
        with self._listening():
            run = self._runs.setdefault(row_id, WatchedRun())
            run.listeners += 1
            try:
                yield run
            finally:
                run.listeners -= 1
                if not run.listeners:
                    del self._runs[row_id]

    @contextmanager
    def follow_all(self) -> Iterator[Signal]:
        """Return a signal that grows at any change of any run, within the block; raise `TooManyWatchersError`."""
        with self._listening():
            self._following_all += 1
            try:
                yield self.anything
            finally:
                self._following_all -= 1

    def check_room(self) -> None:
        """Raise `TooManyWatchersError` if one more would be too many."""
        if self._listeners >= self.settings.max_watchers:
            raise TooManyWatchersError(f"{self._listeners} clients are waiting already")

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self.check_room()
        self._listeners += 1
        try:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(), name="tradewind-feed")
            yield
        finally:
            self._listeners -= 1

    async def close(self) -> None:
        """Cancel the task, if there is one."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._reader.reset()
        thread, pause = anyio.CapacityLimiter(1), 0.0
        while self._listeners and not self.is_closing:
            try:
                result = await anyio.to_thread.run_sync(self._reader.poll, self._request(), limiter=thread)
                self._apply(result)
                pause = 0.0
            except Exception as error:  # noqa: BLE001  # the clients keep waiting, whatever it was
                pause = min(MAX_RETRY_SECONDS, 2 * pause or self.settings.watch_interval)
                _log_failure(error, pause)
            await asyncio.sleep(pause or self.settings.watch_interval)
            if self._is_stopping():
                self._release_all()

    def _release_all(self) -> None:
        self.is_closing = True
        for signal in (self.anything, *self._runs.values()):
            signal.grow()

    def _request(self) -> PollRequest:
        thorough = time.monotonic() >= self._thorough_at
        if thorough:
            self._thorough_at = time.monotonic() + self.settings.progress_interval
        return PollRequest(
            watched=frozenset(self._runs),
            fresh=frozenset(row_id for row_id, run in self._runs.items() if run.view is None),
            thorough=thorough,
            anything=self._following_all > 0,
        )

    def _apply(self, result: PollResult) -> None:
        for row_id, run in self._runs.items():
            run.show(updated_view(run.view, row_id, result))
        if result.any_change:
            self.anything.grow()


def _log_failure(error: Exception, pause: float) -> None:
    if isinstance(error, SQLAlchemyError):
        kind = type(getattr(error, "orig", None) or error).__name__
        logger.warning("the feed cannot query Airflow's database (%s); retrying in %.1f s", kind, pause)
    else:
        logger.error("the feed's poll failed; retrying in %.1f s", pause, exc_info=error)
