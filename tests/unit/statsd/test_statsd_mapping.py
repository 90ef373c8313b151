"""statsd_exporter's mapping: regenerated, complete, without rules for what does not exist."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # published without types
from airflow._shared.observability.metrics.validators import PatternBlockListValidator

from tradewind_statsd import mapping as statsd_mapping
from tradewind_statsd import metric_rules as rules
from tradewind_statsd.mapping import FOLDER, Metric, files, mapping, ours, registry

PROMETHEUS_NAME = re.compile(r"airflow_[a-z0-9_]+")


@pytest.fixture(scope="module")
def metrics() -> list[Metric]:
    """All that Airflow's registry lists, and ours."""
    return registry()[1] + ours()


@pytest.mark.parametrize("name", ["mapping.yml", "airflow.env"])
def test_the_committed_file_is_what_the_tool_writes(name: str) -> None:
    assert (FOLDER / name).read_text() == files()[name], "run `make statsd-mapping`"


def test_each_metric_of_the_registry_is_mapped_or_dropped_by_name(metrics: list[Metric]) -> None:
    matched = {row["match"] for row in mapping(metrics)["mappings"]}
    missing = {metric.name for metric in metrics if f"airflow.{metric.name}" not in matched}
    assert missing <= set(rules.DROPPED), "a name with a variable part needs a decision"
    assert all("{" in name for name in missing)


def test_no_name_is_matched_twice_and_the_last_rule_drops_the_rest(metrics: list[Metric]) -> None:
    rows = mapping(metrics)["mappings"]
    matches = [row["match"] for row in rows]
    assert len(set(matches)) == len(matches)
    assert rows[-1] == {"match": ".", "match_type": "regex", "action": "drop", "name": "dropped"}


def test_names_follow_prometheus_and_are_of_one_type_each(metrics: list[Metric]) -> None:
    types = defaultdict(set)
    for metric in metrics:
        if metric.name not in rules.DROPPED:
            assert PROMETHEUS_NAME.fullmatch(metric.exported)
            types[metric.exported].add(metric.type)
    assert {name for name, found in types.items() if len(found) > 1} == set()
    suffixes = {(next(iter(found)), name.rpartition("_")[2] in {"total", "seconds"}) for name, found in types.items()}
    assert {("counter", False), ("timer", False)} & suffixes == set()


def test_no_decision_is_about_a_metric_that_does_not_exist(metrics: list[Metric]) -> None:
    names = {metric.name for metric in metrics}
    decided = {*rules.DROPPED, *rules.NAMES, *rules.LABELS, *rules.SCALES, *rules.BY_EXECUTOR}
    assert decided - names == set()
    gauges = [metric.name for metric in metrics if metric.type == "gauge"]
    assert {start for start in rules.TTLS if not any(name.startswith(start) for name in gauges)} == set()
    timers = [metric.name for metric in metrics if metric.type == "timer"]
    used = {next(start for start in rules.BUCKETS if name.startswith(start)) for name in timers}
    assert set(rules.BUCKETS) - used <= {"tradewind."}


def test_what_is_blocked_at_the_source_is_dropped_anyway(metrics: list[Metric]) -> None:
    blocked = PatternBlockListValidator(",".join(rules.BLOCKED))
    fixed = [metric.name for metric in metrics if "{" not in metric.name]
    refused = {name for name in fixed if not blocked.test(f"{name},dag_id=a.b,task_id=c")}
    assert refused == {"ti_successes", "dag_processing.processes"}
    for name in ("job_start", "schedulerjobrunner_end", "dagrun.etl.daily.first_task_scheduling_delay"):
        assert not blocked.test(name)


def test_histograms_have_rising_buckets_and_counters_never_expire() -> None:
    for row in yaml.safe_load((FOLDER / "mapping.yml").read_text())["mappings"]:
        buckets = row.get("histogram_options", {}).get("buckets", [])
        assert buckets == sorted(set(buckets))
        assert not ("ttl" in row and row["name"].endswith(("_total", "_seconds")))


def test_our_metrics_are_read_out_of_the_source(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        'stats.incr("tradewind.seen", tags={"a": b})\nstats.timing("tradewind.lag", d)\nstats.incr("theirs")\n'
    )
    (tmp_path / "two.py").write_text(
        'HELD = "tradewind.held"\nwith stats.timer("tradewind.batch"):\n    stats.gauge(HELD, 3)\n'
    )
    assert [(metric.exported, metric.type) for metric in ours(tmp_path)] == [
        ("airflow_tradewind_batch_seconds", "timer"),
        ("airflow_tradewind_held", "gauge"),
        ("airflow_tradewind_lag_seconds", "timer"),
        ("airflow_tradewind_seen_total", "counter"),
    ]


@pytest.mark.parametrize("name", ['f"tradewind.{outcome}"', "name", '"tradewind." + outcome'])
def test_a_name_that_is_put_together_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "one.py").write_text(f"stats.incr({name})\n")
    with pytest.raises(ValueError, match=r"one\.py:1: a metric's name must be a constant"):
        ours(tmp_path)


def test_the_files_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statsd_mapping, "FOLDER", tmp_path)
    statsd_mapping.write()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files()
