"""The one task per process that looks while anyone listens, and wakes those whose run changed.

A listener keeps nothing but the id of the event it had last: what it missed is made again from the run's row. So memory
does not grow with the time that a client is slow, and a thousand clients cost one set of statements per interval.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio.to_thread
from sqlalchemy.exc import SQLAlchemyError

from tradewind_airflow.feed.looker import Look, Looker, Wanted, seen
from tradewind_airflow.feed.settings import FeedSettings
from tradewind_airflow.feed.views import View

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0
"""Seconds between two tries while the database cannot be asked."""


class TooManyWatchersError(RuntimeError):
    """This process lets as many clients wait as it may."""


class Signal:
    """A number that grows, and can be waited for."""

    def __init__(self) -> None:
        self.version = 0
        self._grown = asyncio.Event()

    def grow(self) -> None:
        """Wake all who wait."""
        self.version += 1
        waited, self._grown = self._grown, asyncio.Event()
        waited.set()

    async def beyond(self, version: int, seconds: float) -> bool:
        """Wait until the number is another one than `version`; False when that takes longer than `seconds`."""
        grown = self._grown
        if self.version == version and seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    await grown.wait()
            except TimeoutError:
                pass
        return self.version != version


class WatchedRun(Signal):
    """A run that somebody watches; `view` is None until the first look."""

    def __init__(self) -> None:
        super().__init__()
        self.view: View | None = None
        self.listeners = 0

    def show(self, view: View | None) -> None:
        """Take a look's view in, and wake the listeners if it says something else."""
        if view is not None and view is not self.view:
            before, self.view = self.view, view
            if before is None or before.said != view.said:
                self.grow()


class Poller:
    """Belongs to one event loop; each of its methods is called there."""

    def __init__(
        self,
        settings: FeedSettings,
        looker: Looker | None = None,
        stop_is_asked_for: Callable[[], bool] = lambda: False,
    ) -> None:
        self.settings = settings
        self.anything = Signal()
        self.is_closing = False
        """Set when the server stops: whoever waits answers what it has, or it would hold the server up."""
        self._looker = looker or Looker()
        self._stop_is_asked_for = stop_is_asked_for
        self._runs: dict[int, WatchedRun] = {}
        self._listeners = 0
        self._following_all = 0
        self._task: asyncio.Task[None] | None = None
        self._thorough_at = 0.0

    @contextmanager
    def watch(self, row_id: int) -> Iterator[WatchedRun]:
        """Watch a run for as long as the block lasts; raise `TooManyWatchersError`."""
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
        """Have `anything` grow at any change, for as long as the block lasts; raise `TooManyWatchersError`."""
        with self._listening():
            self._following_all += 1
            try:
                yield self.anything
            finally:
                self._following_all -= 1

    def check_room(self) -> None:
        """Raise `TooManyWatchersError` if one more would be too many."""
        if self._listeners >= self.settings.max_watchers:
            raise TooManyWatchersError(f"{self._listeners} clients wait already")

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
        """End the task, if there is one."""
        if self._task and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        self._looker.forget()
        thread, pause = anyio.CapacityLimiter(1), 0.0
        while self._listeners and not self.is_closing:
            try:
                look = await anyio.to_thread.run_sync(self._looker.look, self._wanted(), limiter=thread)
                self._take_in(look)
                pause = 0.0
            except Exception as error:  # noqa: BLE001  # whoever listens is kept, whatever it was
                pause = min(LONGEST_PAUSE, 2 * pause or self.settings.watch_interval)
                _complain(error, pause)
            await asyncio.sleep(pause or self.settings.watch_interval)
            if self._stop_is_asked_for():
                self._let_go()

    def _let_go(self) -> None:
        self.is_closing = True
        for signal in (self.anything, *self._runs.values()):
            signal.grow()

    def _wanted(self) -> Wanted:
        thorough = time.monotonic() >= self._thorough_at
        if thorough:
            self._thorough_at = time.monotonic() + self.settings.progress_interval
        return Wanted(
            watched=frozenset(self._runs),
            fresh=frozenset(row_id for row_id, run in self._runs.items() if run.view is None),
            thorough=thorough,
            anything=self._following_all > 0,
        )

    def _take_in(self, look: Look) -> None:
        for row_id, run in self._runs.items():
            run.show(seen(run.view, row_id, look))
        if look.news:
            self.anything.grow()


def _complain(error: Exception, pause: float) -> None:
    if isinstance(error, SQLAlchemyError):
        kind = type(getattr(error, "orig", None) or error).__name__
        logger.warning("the feed cannot ask Airflow's database (%s); again in %.1f s", kind, pause)
    else:
        logger.error("the feed's look failed; again in %.1f s", pause, exc_info=error)
