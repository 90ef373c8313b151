"""The service's Prometheus metrics; every label is bounded, none holds a run id."""

import re
import time
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import choose_encoder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewind_contracts.workflows import RunStatus

_ANSWERS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """One registry per app, so that two apps in one process do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._count()
        self._gauge_all()
        self._time()

    def expect(self, workflow_ids: Iterable[str]) -> None:
        """Let the counters of these workflows stand at 0: `increase()` does not see one that is born at 1."""
        for workflow_id in workflow_ids:
            for status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
                self.runs.labels(workflow_id, status)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition and its content type, as the scraper asks for it; OpenMetrics has the exemplars."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _count(self) -> None:
        self.consumed = self._counter("events_consumed", "Records read from the event topic")
        self.skipped = self._counter("events_skipped", "Records that were none of our business", "reason")
        self.dead_letters = self._counter("dead_letters", "Records given up, durably", "reason")
        self.runs = self._counter("runs", "Runs that reached a status", "workflow_id", "status")
        self.retries = self._counter("infrastructure_retries", "Attempts that Postgres or Kafka broke", "part")
        self.commits = self._counter("offset_commits", "Offset commits", "outcome")
        for outcome in ("done", "failed"):
            self.commits.labels(outcome)
        for part in ("postgres", "kafka", "another-replica", "internal"):
            self.retries.labels(part)

    def _gauge_all(self) -> None:
        self.in_flight = self._gauge("runs_in_flight", "Accepted runs that are not finished")
        self.assigned = self._gauge("partitions_assigned", "Partitions that this replica owns")
        self.paused = self._gauge("partitions_paused", "1 while fetching is paused by back-pressure")
        self.in_progress = Gauge("http_requests_inprogress", "Requests being answered", registry=self.registry)

    def _time(self) -> None:
        self.read_delay = self._histogram("read_delay", "From an event's time to its being read from the topic")
        self.start_delay = self._histogram("start_delay", "From an event's time to its run's start")
        self.duration = self._histogram(
            "run_duration", "From a run's start to its end, waiting for redelivery included", "workflow_id"
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request",
            ["handler", "method", "status"],
            buckets=_ANSWERS,
            registry=self.registry,
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tradewind_agents_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"tradewind_agents_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        full_name = f"tradewind_agents_{name}_seconds"
        return Histogram(full_name, text, labels, buckets=_SECONDS, registry=self.registry)


def exemplar(traceparent: str | None) -> dict[str, str] | None:
    """Return the exemplar of a traceparent (W3C) whose trace is recorded somewhere: its flag `sampled` is set."""
    found = _TRACEPARENT.fullmatch(traceparent or "")
    return {"trace_id": found[1]} if found and int(found[2], 16) & 1 else None


class Instrument:
    """ASGI middleware: times each request by route template, method and status, and counts those under way."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500  # an error that nobody caught: the answer is made further out

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        begun = time.perf_counter()
        try:
            with self._metrics.in_progress.track_inprogress():
                await self._app(scope, receive, watched_send)
        finally:
            self._observe(scope, status, time.perf_counter() - begun)

    def _observe(self, scope: Scope, status: int, seconds: float) -> None:
        # A path that matched no route is one label, whatever a stranger sends.
        handler = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        trace = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        self._metrics.request_seconds.labels(handler, method, status).observe(seconds, exemplar(trace))
