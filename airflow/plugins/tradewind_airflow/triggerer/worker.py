"""A trigger's thread: it opens its connections, and reopens them after any failure."""

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
"""Seconds after which a failure counts as new, not as a repetition of the last."""


class Job(Protocol):
    """What the thread runs while its connections are open."""

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; after any exception it is opened and run again."""
        ...


class Worker(ABC):
    """Runs a job on its own thread until it is stopped.

    `on_end` is called on that thread, once, with the error that ended it, or None after `stop`. Only a
    `ConfigurationError` ends it; every other error is logged and the job retried.
    """

    def __init__(self, name: str, on_end: Callable[[BaseException | None], None]) -> None:
        self._name = name
        self._on_end = on_end
        self._stop = threading.Event()
        # The context routes the log lines to this trigger's log in Airflow.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._main,), name=f"tradewind-{name}", daemon=True)

    @abstractmethod
    def _opened(self) -> AbstractContextManager[Job]:
        """Return the job with its connections, newly read and opened."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Make the thread close its connections and end, after the call that it is in."""
        self._stop.set()

    def _main(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # passed on by `on_end`
            self._on_end(error)
        else:
            self._on_end(None)

    def _run(self) -> None:
        backoff, logged = Backoff(), ""
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                with self._opened() as job:
                    job.run(self._stop)
            except ConfigurationError:
                raise
            except Exception as error:  # noqa: BLE001  # logged below, once
                if time.monotonic() - started > LONG_LIFE:
                    backoff.reset()
                    logged = ""
                if logged != repr(error):
                    self._log(error)
                logged = repr(error)
            self._stop.wait(backoff.next())

    def _log(self, error: Exception) -> None:
        # The message of a failed login needs no traceback.
        cause = None if isinstance(error, LoginError) else error
        logger.error("the %s failed: %s. Retrying until it works; nothing is lost", self._name, error, exc_info=cause)
