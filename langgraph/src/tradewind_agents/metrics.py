"""The service's Prometheus metrics; every label is bounded, none holds a run id."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class Metrics:
    """One registry per app, so that two apps in one process do not share figures."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.consumed = self._counter("events_consumed", "Records read from the event topic")
        self.skipped = self._counter("events_skipped", "Records that were none of our business", "reason")
        self.dead_letters = self._counter("dead_letters", "Records given up, durably", "reason")
        self.runs = self._counter("runs", "Runs that reached a status", "workflow_id", "status")
        self.retries = self._counter("infrastructure_retries", "Attempts that Postgres or Kafka broke", "part")
        self.commits = self._counter("offset_commits", "Offset commits", "outcome")
        self.in_flight = self._gauge("runs_in_flight", "Accepted runs that are not finished")
        self.assigned = self._gauge("partitions_assigned", "Partitions that this replica owns")
        self.paused = self._gauge("partitions_paused", "1 while fetching is paused by back-pressure")
        self.duration = Histogram(
            "tradewind_agents_run_duration_seconds",
            "From a run's start to its end, waiting for redelivery included",
            ["workflow_id"],
            buckets=_SECONDS,
            registry=self.registry,
        )

    def render(self) -> bytes:
        """Return the text exposition."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"tradewind_agents_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"tradewind_agents_{name}", text, registry=self.registry)
