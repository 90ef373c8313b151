"""Every query of every panel and rule, asked of a real Prometheus that watches the whole stack under a small load."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from support import metric_names, promql, small_load
from support.whole_stack import WholeStack
from tradewind_dashboards import __main__ as generator
from tradewind_dashboards.prometheus import Prometheus, Span, filled, panels
from tradewind_local.monitoring import parts as monitoring
from tradewind_local.parts import MONITORING

# The first test waits for the whole stack, and for what it does to show.
pytestmark = pytest.mark.timeout(900)

SECONDS = 240
STEP = 15

ONLY_SCHEDULED = "Airflow sends it for scheduled runs alone, and none of ours is scheduled"
HEALTHY = "it is of trouble that a healthy stack does not have, and has no series before the first"
SOMETIMES = "the state is so short that a look every 30 seconds may miss it"

EMPTY_PANELS = {
    ("airflow", "Waiting before work (p95)", "run's start, if scheduled"): ONLY_SCHEDULED,
    ("airflow", "Waiting before work (p95)", "first task's start, if scheduled"): ONLY_SCHEDULED,
    ("airflow", "Task instances by state", "scheduled"): SOMETIMES,
    ("airflow", "Task instances by state", "queued"): SOMETIMES,
    ("airflow", "Task instances by state", "running"): SOMETIMES,
    ("airflow", "Triggers that ended or blocked", "failed"): HEALTHY,
    ("airflow", "Triggers that ended or blocked", "succeeded"): "our triggers run for ever, and fire no event",
    ("airflow", "Triggers that ended or blocked", "blocked"): HEALTHY,
    ("airflow", "Tasks lost", "{{dag_id}} killed from outside"): HEALTHY,
    ("airflow", "Tasks lost", "{{dag_id}} without a heartbeat"): HEALTHY,
    ("kafka", "Consumer lag by partition", ""): HEALTHY,
    ("overview", "Firing alerts", ""): HEALTHY,
    ("system", "StatsD trouble", "unreadable"): HEALTHY,
    ("system", "StatsD trouble", "refused"): HEALTHY,
    ("system", "StatsD trouble", "conflicts"): HEALTHY,
    ("system", "Alerts sent", "{{integration}} sent"): "no receiver is configured in a test's stack",
    ("system", "Alerts sent", "{{integration}} failed"): "no receiver is configured in a test's stack",
}
"""Queries that may find nothing: the dashboard, the panel, the query's legend, and why."""

EMPTY_METRICS = {
    "airflow_ti_queued": SOMETIMES,
    "airflow_dagrun_schedule_delay_seconds_bucket": ONLY_SCHEDULED,
    "airflow_dag_callback_exceptions_total": HEALTHY,
    "airflow_dag_processing_processor_timeouts_total": HEALTHY,
    "airflow_deadline_alerts_deadline_missed_total": HEALTHY,
    "airflow_scheduler_tasks_killed_externally_total": HEALTHY,
    "airflow_task_instances_without_heartbeats_killed_total": HEALTHY,
    "airflow_triggers_blocked_main_thread_total": HEALTHY,
    "statsd_exporter_events_conflict_total": HEALTHY,
}
"""Metrics of rules that may have no series, and why."""

Query = tuple[str, str, str]


@dataclass
class Watched:
    """What Prometheus has found so far; a query that found something once is not asked again."""

    prometheus: Prometheus
    asked: set[Query] = field(default_factory=set)
    found: set[Query] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)

    def look(self) -> None:
        now = time.time()
        span = Span(now - 600, now, STEP)
        for name, text in generator.texts().items():
            dashboard = json.loads(text)
            for panel in panels(dashboard):
                for target in panel["targets"]:
                    query = (name.removesuffix(".json"), panel["title"], target.get("legendFormat", ""))
                    self.asked.add(query)
                    if query not in self.found and self.prometheus.series(target, dashboard, span):
                        self.found.add(query)
        self.metrics = self.prometheus.names()

    @property
    def is_complete(self) -> bool:
        return self.asked - set(EMPTY_PANELS) <= self.found and rule_metrics() - set(EMPTY_METRICS) <= self.metrics


def rule_metrics() -> set[str]:
    recorded = {name for kind, name, _ in metric_names.in_rules() if kind == "record"}
    named = metric_names.named(expression for *_, expression in metric_names.in_rules())
    return named - recorded - {"ALERTS"}


@pytest.fixture(scope="module")
def watched(stack: WholeStack) -> Iterator[Watched]:
    running = stack.stack
    assert monitoring.build_programs(running.settings.tools_dir, lambda *_: None) == {}
    running.up(MONITORING)
    url = next(row.url for row in running.status() if row.part == "prometheus")
    with Prometheus(url) as prometheus:
        found = Watched(prometheus)
        deadline = time.monotonic() + SECONDS
        for _ in small_load.rounds(stack):
            found.look()
            if found.is_complete or time.monotonic() > deadline:
                break
            time.sleep(STEP)
        yield found
    for part in reversed(MONITORING):
        running.stop_part(part)


def test_every_source_is_up(watched: Watched) -> None:
    states = {series.labels["job"]: series.points[0][1] for series in watched.prometheus.instant("min by (job) (up)")}
    jobs = {
        "airflow",
        "kafka",
        "fastapi",
        "langgraph",
        "prometheus",
        "node",
        "statsd-exporter",
        "alertmanager",
        "blackbox",
    }
    assert states == dict.fromkeys(jobs, 1)


def test_every_query_of_a_panel_finds_something(watched: Watched) -> None:
    assert watched.asked - watched.found <= set(EMPTY_PANELS)
    assert set(EMPTY_PANELS) <= watched.asked, "a reason for a query that is no longer there"


def test_every_metric_of_a_rule_is_there(watched: Watched) -> None:
    assert rule_metrics() - watched.metrics <= set(EMPTY_METRICS)
    assert set(EMPTY_METRICS) <= rule_metrics(), "a reason for a metric that is no longer named"


def test_every_rule_can_be_asked(watched: Watched) -> None:
    for *_, expression in metric_names.in_rules():
        watched.prometheus.instant(expression)


def test_history_is_kept_as_long_as_the_file_says(watched: Watched) -> None:
    plan = yaml.safe_load((metric_names.ROOT / "monitoring" / "prometheus" / "prometheus.yml").read_text())
    assert plan["storage"]["tsdb"]["retention"] == {"time": "30d", "size": "8GB"}
    (seconds,) = watched.prometheus.instant("prometheus_tsdb_retention_limit_seconds")
    (size,) = watched.prometheus.instant("prometheus_tsdb_retention_limit_bytes")
    assert (seconds.points[0][1], size.points[0][1]) == (30 * 86400, 8 * 1024**3)


def test_rules_run_without_an_error(watched: Watched) -> None:
    (failures,) = watched.prometheus.instant("sum(prometheus_rule_evaluation_failures_total)")
    assert failures.points[0][1] == 0


async def test_every_metric_of_ours_is_stored(watched: Watched) -> None:
    defined = await metric_names.of_the_services() | metric_names.of_the_plugin()
    missing = {family for family in defined if not {family + ending for ending in ("", "_bucket")} & watched.metrics}
    assert missing == set()


def test_the_trace_of_a_request_is_an_exemplar(watched: Watched) -> None:
    now = time.time()
    for metric in ("http_request_duration_seconds_bucket", "tradewind_accept_seconds_bucket"):
        assert small_load.TRACE_ID in watched.prometheus.traces(metric, Span(now - 600, now, STEP)), metric


def test_a_reason_is_needed_for_an_empty_query(watched: Watched) -> None:
    made_up = filled("sum(rate(airflow_dag_run_state[$__rate_interval]))", {"__rate_interval": "60s"})
    assert watched.prometheus.instant(made_up) == []
    assert promql.uses(made_up)[0].metric not in watched.metrics
