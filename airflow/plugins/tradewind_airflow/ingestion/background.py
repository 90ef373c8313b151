"""A thread beside the consumer's, for calls that may take long."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundThread(Generic[T]):
    """Makes calls one after another. A daemon: the end of the process waits for none of them."""

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[tuple[Callable[[], T], Future[T]] | None] = SimpleQueue()
        # The context tells Airflow whose log the lines belong to.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._serve,), name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Return the future of what a call returns or raises."""
        result: Future[T] = Future()
        self._calls.put((call, result))
        return result

    def close(self) -> None:
        """End the thread after the calls that were submitted; nobody waits for it."""
        self._calls.put(None)

    def _serve(self) -> None:
        while submitted := self._calls.get():
            call, result = submitted
            try:
                result.set_result(call())
            except Exception as error:  # noqa: BLE001  # raised again where the result is read
                result.set_exception(error)
