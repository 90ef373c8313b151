"""Which metrics there are: what our code defines, what Airflow and exporters send, and what rules and panels name."""

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types
from prometheus_client import CollectorRegistry, Metric

from support import dashboard_lint, promql
from support.facade import Facade, facade_settings
from tradewind_agents.metrics import Metrics as AgentsMetrics
from tradewind_dashboards import __main__ as generator
from tradewind_local.monitoring import kafka_exporter
from tradewind_local.monitoring.kafka_reading import Reading
from tradewind_statsd import mapping as statsd_mapping
from tradewind_statsd import metric_rules
from tradewind_statsd.mapping import Metric as StatsdMetric

ROOT = Path(__file__).parents[2]
RULES = ROOT / "monitoring" / "prometheus" / "rules"
EXPORTERS = ROOT / "tests" / "data" / "metrics" / "exporters.txt"
"""The names that node_exporter, statsd_exporter, blackbox_exporter, Prometheus and Alertmanager gave when scraped."""

NOT_BEFORE_THE_FIRST = {
    "statsd_exporter_events_conflict_total",
    "statsd_exporter_events_error_total",
    "statsd_exporter_sample_errors_total",
}
"""Names of trouble that a scrape of a healthy exporter does not give; read in its source (main.go, v0.31.0)."""

BY_PROMETHEUS = {"up", "ALERTS", "scrape_samples_scraped", "scrape_duration_seconds"}
SOURCES = ("api/src", "langgraph/src", "airflow/plugins", "airflow/dags")
CLASSES = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"}
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",), "gauge": ("",)}


async def of_the_services() -> set[str]:
    """The families that the facade and the agents service define, by the names their samples begin with."""
    async with Facade().running(facade_settings()) as facade:
        ours = _families(facade.app.state.metrics.registry)
    return ours | _families(AgentsMetrics().registry)


def of_the_plugin() -> set[str]:
    """The families that our code inside Airflow sends through StatsD, by their names in Prometheus."""
    return {metric.exported for metric in statsd_mapping.ours()}


def of_airflow() -> set[str]:
    """The series of Airflow itself that statsd_exporter passes on."""
    metrics = [metric for metric in statsd_mapping.registry()[1] if metric.name not in metric_rules.DROPPED]
    return {name for metric in metrics for name in series_of(metric.exported, _kind(metric))}


def of_kafka() -> set[str]:
    """The series of the Kafka exporter."""
    return {family.name for family in kafka_exporter.families(Reading())}


def of_exporters() -> set[str]:
    """The series of the programs that are not ours, as they were scraped from the pinned versions."""
    return set(EXPORTERS.read_text().split()) | NOT_BEFORE_THE_FIRST


def series_of(family: str, kind: str) -> set[str]:
    """The names of a family's samples."""
    stem = family.removesuffix("_total") if kind == "counter" else family
    return {stem + suffix for suffix in SUFFIXES[kind]}


def _kind(metric: StatsdMetric) -> str:
    return "histogram" if metric.type == "timer" else metric.type


def _families(registry: CollectorRegistry) -> set[str]:
    return {_full_name(family) for family in registry.collect() if not family.name.startswith("process_")}


def _full_name(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def in_rules() -> Iterator[tuple[str, str, str]]:
    """Every expression of the rules: `record` or `alert`, its name, the expression."""
    for path in sorted(RULES.glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                kind = "record" if "record" in rule else "alert"
                yield kind, rule[kind], rule["expr"]


def on_panels() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every expression of the dashboards: the dashboard's file, the panel, the expression."""
    for name, text in generator.texts().items():
        for panel in dashboard_lint.panels(json.loads(text)):
            for target in panel["targets"]:
                yield name, panel, target["expr"]


def named(expressions: Iterable[str]) -> set[str]:
    """Every metric that the expressions name."""
    return {use.metric for expression in expressions for use in promql.uses(expression)} - {""}


def defined_elsewhere(source: Path) -> list[str]:
    """Where prometheus_client's metric classes are imported outside of a module `metrics`."""
    return [
        str(path)
        for path in sorted(source.rglob("*.py"))
        if path.name != "metrics.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if _imports_a_class(node)
    ]


def _imports_a_class(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] == "prometheus_client" for alias in node.names)
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prometheus_client"):
        return bool(CLASSES & {alias.name for alias in node.names})
    return False
