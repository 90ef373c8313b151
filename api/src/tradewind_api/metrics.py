"""The facade's metrics (prometheus_client), in a registry of its own. Labels are bounded: never a run id."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewind_api.preferences import traceparent
from tradewind_contracts.workflows import WorkflowType

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
        for outcome in ("accepted", "deduplicated", "kafka-unavailable"):
            # `increase()` does not see a counter that is born at 1: these stand at 0 from the start.
            self.triggers.labels(outcome)
        self.engine_seconds = Histogram(
            "tradewind_engine_request_seconds",
            "Time an engine took to answer",
            ["engine", "operation"],
            buckets=_FAST,
            registry=registry,
        )
        self.engine_in_progress = Gauge(
            "tradewind_engine_requests_inprogress",
            "Connections to the engine that are in use: each holds one request",
            ["engine"],
            registry=registry,
        )
        for engine in WorkflowType:
            self.engine_in_progress.labels(engine)
        self.engine_up = Gauge(
            "tradewind_engine_up", "Whether the engine answered when last asked", ["engine"], registry=registry
        )

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Set where a gauge is read when it is scraped; the same name again replaces it (an app may be run again)."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(name, text, registry=self.registry)
        self._gauges[name].set_function(read)

    @contextmanager
    def asking(self, engine: WorkflowType, operation: str) -> Iterator[None]:
        """Time a request to an engine, and count it as in progress."""
        seconds = self.engine_seconds.labels(engine, operation).time()
        with self.engine_in_progress.labels(engine).track_inprogress(), seconds:
            yield


def exemplar(trace: str | None) -> dict[str, str] | None:
    """Return the exemplar of a well-formed traceparent whose trace is recorded somewhere (its flag `sampled`)."""
    if trace is None:
        return None
    _, trace_id, _, flags = trace.split("-")
    return {"trace_id": trace_id} if int(flags, 16) & 1 else None


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
        self._observe(scope, status, time.perf_counter() - begun)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        # A path that matched no route is one label, whatever a stranger sends.
        handler = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        trace = traceparent(next((v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"), None))
        self._metrics.request_seconds.labels(handler, method, status).observe(seconds, exemplar(trace))
