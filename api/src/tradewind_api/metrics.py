"""The facade's metrics (prometheus_client), in a registry of its own. Labels are bounded: never a run id."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FAST = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Every metric of the process; names follow Prometheus' base units."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        ProcessCollector(registry=registry)
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request",
            ["handler", "method", "status"],
            buckets=_FAST,
            registry=registry,
        )
        self.in_progress = Gauge("http_requests_inprogress", "Requests being answered", registry=registry)
        self.accept_seconds = Histogram(
            "tradewind_accept_seconds",
            "Time from a trigger's body read to its acknowledgement by the broker",
            buckets=_FAST,
            registry=registry,
        )
        self.triggers = Counter(
            "tradewind_triggers_total", "Triggers by what became of them", ["outcome"], registry=registry
        )
        self.engine_seconds = Histogram(
            "tradewind_engine_request_seconds",
            "Time an engine took to answer",
            ["engine", "operation"],
            buckets=_FAST,
            registry=registry,
        )
        self.engine_up = Gauge(
            "tradewind_engine_up", "Whether the engine answered when last asked", ["engine"], registry=registry
        )

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Set where a gauge is read when it is scraped; the same name again replaces it (an app may be run again)."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, registry=self.registry)
        self._gauges[name].set_function(read)


class Instrument:
    """ASGI middleware: times each request by route template, method and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 499  # nginx's word for a client that went away before there was an answer

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        with self._metrics.in_progress.track_inprogress():
            await self._app(scope, receive, watched_send)
        # A path that matched no route is one label, whatever a stranger sends.
        handler = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.request_seconds.labels(handler, method, status).observe(time.perf_counter() - begun)
