import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tradewind_airflow.triggerer.errors import ConfigurationError, LoginError
from tradewind_airflow.triggerer.worker import Job, Worker


class Impatient(threading.Event):
    """Does not wait."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # as the parent's
        return self.is_set()


class Failing(Worker):
    """A thread whose job raises the given errors; the last one stops it."""

    def __init__(self, *errors: Exception) -> None:
        self.ended = threading.Event()
        self.error: BaseException | None = None
        super().__init__("test", self._on_ended)
        self._errors = list(errors)
        self._stop = Impatient()

    def _on_ended(self, error: BaseException | None) -> None:
        self.error = error
        self.ended.set()

    @contextmanager
    def _opened(self) -> Iterator[Job]:
        yield self

    def run(self, stop: threading.Event) -> None:
        if len(self._errors) == 1:
            stop.set()
        raise self._errors.pop(0)


def failed(*errors: Exception) -> Failing:
    worker = Failing(*errors)
    worker.start()
    assert worker.ended.wait(10)
    return worker


def test_a_repeated_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    worker = failed(*[LoginError("check the password")] * 5, *[KeyError("x")] * 3, LoginError("check the password"))
    assert worker.error is None
    logged = [line for line in caplog.records if line.levelname == "ERROR"]
    assert ["check the password" in line.getMessage() for line in logged] == [True, False, True]
    assert [line.exc_info is not None for line in logged] == [False, True, False]


def test_an_invalid_configuration_ends_the_thread() -> None:
    worker = failed(KeyError("x"), ConfigurationError("enable.auto.commit"), KeyError("never"))
    assert isinstance(worker.error, ConfigurationError)
