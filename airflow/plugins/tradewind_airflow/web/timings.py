"""How long requests take, by route, through Airflow's own stats."""

import time
from datetime import timedelta

from airflow.observability import stats
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS"})
"""The methods that are told apart: a caller may invent any number of others."""


class RequestTimer:
    """ASGI middleware: times each request until its answer begins, so that a stream counts as it opens.

    The timer `tradewind.request.duration` has bounded tags: `operation` (the route's name, `none` where no route
    fits), `method` and `status` (`2xx` to `5xx`). Nothing of what a request carries is in them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def timed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                stats.timing(
                    "tradewind.request.duration",
                    timedelta(seconds=time.perf_counter() - began),
                    tags=tags(scope, message),
                )
            await send(message)

        await self._app(scope, receive, timed_send)


def tags(scope: Scope, start: Message) -> dict[str, str]:
    """Return the tags of an answer."""
    return {
        # Where none of our routes fits, this is the mount of the whole app, which has no name.
        "operation": getattr(scope.get("route"), "name", None) or "none",
        "method": scope["method"] if scope["method"] in METHODS else "other",
        "status": f"{start['status'] // 100}xx",
    }
