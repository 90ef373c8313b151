"""The facade's metrics (prometheus_client), in a registry of its own. Labels are bounded: never a run id."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tradewind_contracts.workflows import WorkflowType
from tradewind_service.prometheus_metrics import BUCKETS, RequestMetrics


class Metrics:
    """Every metric of the process; names follow Prometheus' base units."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._gauges: dict[str, Gauge] = {}
        ProcessCollector(registry=registry)
        self.requests = RequestMetrics(registry)
        self.accept_seconds = Histogram(
            "tradewind_accept_seconds",
            "Time from a trigger's body read to its acknowledgement by the broker",
            buckets=BUCKETS,
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
            buckets=BUCKETS,
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
