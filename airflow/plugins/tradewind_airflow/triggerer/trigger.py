"""A trigger that runs a thread."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.triggers.base import BaseTrigger, TriggerEvent

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from tradewind_airflow.triggerer.worker import Worker


class ThreadTrigger(BaseTrigger):
    """Runs a `Worker` until it is cancelled: librdkafka and HTTP calls block, and the triggerer's loop may not.

    That thread also reads Airflow's connections: the triggerer has no database, and a thread may call its supervisor
    synchronously. The trigger yields no event; it fails on a `ConfigurationError` alone. `on_kill` does nothing, as it
    may fire for a mere reassignment.
    """

    settings_class: ClassVar[type["DataclassInstance"]]
    """The trigger's settings; their fields are the trigger's arguments."""

    leave_seconds: ClassVar[float]
    """How long a cancelled trigger waits for its thread; a longer call is not waited for, and the thread ends after."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # published without types
        self._settings = self.settings_class(**settings)
        self._thread: Worker | None = None
        self._ended: asyncio.Event | None = None
        self._error: BaseException | None = None

    @abstractmethod
    def worker(self, settings: Any, on_end: Callable[[BaseException | None], None]) -> "Worker":
        """Return the thread that does the work; its module is imported here, not earlier."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and the arguments of this trigger."""
        return f"{type(self).__module__}.{type(self).__qualname__}", asdict(self._settings)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Run the thread until the trigger is cancelled. Raises `ConfigurationError`."""
        loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()

        def on_end(error: BaseException | None) -> None:
            # A closed loop: the triggerer has stopped already.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._on_end, error)

        self._thread = self.worker(self._settings, on_end)
        self._thread.start()
        await self._ended.wait()
        if self._error:
            raise self._error
        yield TriggerEvent({"status": "stopped"})  # type: ignore[no-untyped-call]  # published without types

    def _on_end(self, error: BaseException | None) -> None:
        self._error = error
        if self._ended:
            self._ended.set()

    async def cleanup(self) -> None:
        """Stop the thread, and wait for its end for `leave_seconds`."""
        if self._thread and self._ended:
            self._thread.stop()
            if self.leave_seconds:
                await asyncio.wait_for(self._ended.wait(), self.leave_seconds)
