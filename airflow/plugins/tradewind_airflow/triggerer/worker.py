"""A trigger's thread: it opens what it needs, and opens it anew after any failure."""

import contextvars
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from tradewind_airflow.triggerer.errors import ConfigurationError, LoginError
from tradewind_service.backoff import Backoff

logger = logging.getLogger(__name__)

LONG_LIFE = 60.0
"""Seconds after which a failure is a new one, and not the last one again."""


class Job(Protocol):
    """What the thread does while everything is open."""

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; whatever it raises, it is opened and run again."""
        ...


class Worker(ABC):
    """Runs a job on a thread of its own until it is stopped.

    `on_end` is called on that thread, once, with the error that ended it, or None after `stop`. Only a
    `ConfigurationError` ends it by itself; everything else is logged and tried again.
    """

    def __init__(self, name: str, on_end: Callable[[BaseException | None], None]) -> None:
        self._name = name
        self._on_end = on_end
        self._stop = threading.Event()
        # The context tells Airflow whose log the lines belong to.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._main,), name=f"tradewind-{name}", daemon=True)

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Job]:
        """Return the job with all that it needs, read and opened anew."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to close what it opened and end; it takes as long as the call it is in."""
        self._stop.set()

    def _main(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # told to whoever waits for the thread
            self._on_end(error)
        else:
            self._on_end(None)

    def _run(self) -> None:
        backoff, told = Backoff(), ""
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                with self._opened() as job:
                    job.run(self._stop)
            except ConfigurationError:
                raise
            except Exception as error:  # noqa: BLE001  # told below, once
                if time.monotonic() - started > LONG_LIFE:
                    backoff.reset()
                    told = ""
                if told != repr(error):
                    self._tell(error)
                told = repr(error)
            self._stop.wait(backoff.next())

    def _tell(self, error: Exception) -> None:
        # Of a login that fails the message says it all.
        cause = None if isinstance(error, LoginError) else error
        logger.error(
            "the %s failed: %s. Nothing is lost; trying again until it works", self._name, error, exc_info=cause
        )
