"""The service's Prometheus metrics; every label is bounded, none holds a run id."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from tradewind_contracts.workflows import RunStatus
from tradewind_service.prometheus_metrics import RequestMetrics

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """One registry per app, so that two apps in one process do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = RequestMetrics(self.registry)
        self._add_counters()
        self._add_gauges()
        self._add_histograms()

    def initialise(self, workflow_ids: Iterable[str]) -> None:
        """Start the counters of these workflows at 0: `increase()` misses a counter that first appears as 1."""
        for workflow_id in workflow_ids:
            for status in (RunStatus.SUCCEEDED, RunStatus.FAILED):
                self.runs.labels(workflow_id, status)

    def _add_counters(self) -> None:
        self.consumed = self._counter("events_consumed", "Records read from the event topic")
        self.skipped = self._counter("events_skipped", "Records that are not for this service", "reason")
        self.dead_letters = self._counter("dead_letters", "Records in the dead-letter topic", "reason")
        self.runs = self._counter("runs", "Runs that reached a status", "workflow_id", "status")
        self.retries = self._counter(
            "infrastructure_retries", "Attempts that failed because of Postgres or Kafka", "part"
        )
        self.commits = self._counter("offset_commits", "Offset commits", "outcome")
        for outcome in ("done", "failed"):
            self.commits.labels(outcome)
        for part in ("postgres", "kafka", "another-replica", "internal"):
            self.retries.labels(part)

    def _add_gauges(self) -> None:
        self.in_flight = self._gauge("runs_in_flight", "Accepted runs that are not finished")
        self.assigned = self._gauge("partitions_assigned", "Partitions that this replica owns")
        self.paused = self._gauge("partitions_paused", "1 while fetching is paused by back-pressure")

    def _add_histograms(self) -> None:
        self.read_delay = self._histogram("read_delay", "From an event's time until it is consumed")
        self.start_delay = self._histogram("start_delay", "From an event's time to its run's start")
        self.duration = self._histogram(
            "run_duration", "From a run's start to its end, waiting for redelivery included", "workflow_id"
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tradewind_agents_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"tradewind_agents_{name}", text, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        full_name = f"tradewind_agents_{name}_seconds"
        return Histogram(full_name, text, labels, buckets=_SECONDS, registry=self.registry)
