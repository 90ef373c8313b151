"""No metric is forgotten, and none is made up."""

from pathlib import Path

import pytest

from support import metric_names

ROOT = metric_names.ROOT

NOT_SHOWN: dict[str, str] = {}
"""Metrics of ours that stand on no panel and in no rule, and why."""


async def ours() -> set[str]:
    return await metric_names.of_the_services() | metric_names.of_the_plugin()


def shown() -> set[str]:
    expressions = [expression for *_, expression in (*metric_names.on_panels(), *metric_names.in_rules())]
    return metric_names.named(expressions)


def forgotten(families: set[str], names: set[str]) -> set[str]:
    endings = ("", "_bucket", "_count", "_sum")
    return {family for family in families if not {family + ending for ending in endings} & names}


async def test_every_metric_of_ours_is_shown_or_has_a_reason() -> None:
    defined = await ours()
    assert forgotten(defined, shown()) == set(NOT_SHOWN)
    assert defined >= set(NOT_SHOWN), "a reason for what is no longer there"


def test_a_forgotten_metric_is_found() -> None:
    found = forgotten({"new_total", "seen_total", "new_seconds", "seen_seconds"}, {"seen_total", "seen_seconds_bucket"})
    assert found == {"new_total", "new_seconds"}


async def emitted() -> set[str]:
    recorded = {name for kind, name, _ in metric_names.in_rules() if kind == "record"}
    families = await ours()
    series = {family + ending for family in families for ending in ("", "_bucket", "_count", "_sum")}
    of_others = metric_names.of_airflow() | metric_names.of_kafka() | metric_names.of_exporters()
    return series | of_others | recorded | metric_names.BY_PROMETHEUS


async def test_every_metric_that_is_named_comes_from_somewhere() -> None:
    known = await emitted()
    named = [("panel", *found) for found in metric_names.on_panels()] + [
        ("rule", *found) for found in metric_names.in_rules()
    ]
    unknown = {
        f"{where} {expression}": missing
        for where, *_, expression in named
        if (missing := metric_names.named([expression]) - known)
    }
    assert unknown == {}


async def test_a_made_up_metric_is_found() -> None:
    expression = "rate(airflow_dag_run_state_total[5m]) + kafka_consumer_lag_sum + kafka_consumergroup_lag_sum"
    assert metric_names.named([expression]) - await emitted() == {
        "airflow_dag_run_state_total",
        "kafka_consumer_lag_sum",
    }


@pytest.mark.parametrize("source", metric_names.SOURCES)
def test_metrics_are_defined_in_one_place(source: str) -> None:
    assert metric_names.defined_elsewhere(ROOT / source) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from prometheus_client import Counter", True),
        ("import prometheus_client", True),
        ("from prometheus_client.metrics import Gauge", True),
        ("from prometheus_client.exposition import choose_encoder", False),
    ],
)
def test_a_metric_that_is_defined_elsewhere_is_found(tmp_path: Path, text: str, found: bool) -> None:
    (tmp_path / "routes.py").write_text(text)
    (tmp_path / "metrics.py").write_text(text)
    assert bool(metric_names.defined_elsewhere(tmp_path)) is found
