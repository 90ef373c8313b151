"""What the services on `prometheus_client` share: request metrics, exemplars, and `GET /metrics`."""

from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from tradewind_service import request_headers
from tradewind_service.request_instrument import method

BUCKETS = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""Histogram buckets for fast operations, in seconds."""


class RequestMetrics:
    """The `Recorder` of requests: a histogram by route template, method and status, and a gauge."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer a request",
            ["handler", "method", "status"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._in_progress = Gauge("http_requests_inprogress", "Requests being answered", registry=registry)

    def in_progress(self) -> AbstractContextManager[object]:
        """Count a request while it is answered."""
        return self._in_progress.track_inprogress()

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Record a request."""
        # All paths that match no route share one label, so that clients cannot create labels.
        handler = getattr(scope.get("route"), "path", "none")
        sent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), None)
        self._seconds.labels(handler, method(scope), status).observe(seconds, exemplar(sent))


def exemplar(traceparent: str | None) -> dict[str, str] | None:
    """Return the exemplar of a traceparent whose trace is sampled."""
    trace_id = request_headers.sampled_trace_id(traceparent)
    return {"trace_id": trace_id} if trace_id else None


def exposition(registry: CollectorRegistry, request: Request) -> Response:
    """Return the metrics in the format that the scraper accepts; OpenMetrics includes exemplars."""
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"content-type": content_type})
