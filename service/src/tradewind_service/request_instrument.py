"""Request durations by route: one ASGI middleware for the metrics of every service."""

import time
from contextlib import AbstractContextManager
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that disconnected before the response."""


class Recorder(Protocol):
    """Records the measurements."""

    def in_progress(self) -> AbstractContextManager[object]:
        """Return the context manager that is entered while a request is processed."""
        ...

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Record a request; `seconds` is the time to the first byte of its response, also for a stream."""
        ...


class RequestInstrument:
    """ASGI middleware: records each HTTP request once, when its response starts.

    A request without a response is recorded as 499, or as 500 where the app failed.
    """

    def __init__(self, app: ASGIApp, recorder: Recorder) -> None:
        self._app = app
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and record the request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at, recorded = time.perf_counter(), False

        def record(status: int) -> None:
            nonlocal recorded
            if not recorded:
                recorded = True
                self._recorder.answered(scope, status, time.perf_counter() - started_at)

        async def observed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                record(message["status"])
            await send(message)

        try:
            with self._recorder.in_progress():
                await self._app(scope, receive, observed_send)
        except Exception:
            record(500)
            raise
        finally:
            record(CLIENT_CLOSED_REQUEST)


def method(scope: Scope) -> str:
    """Return the request's method, or `other`: clients may send arbitrary methods."""
    return scope["method"] if scope["method"] in _METHODS else "other"
