"""Prometheus' files: their syntax, and that every alert fires when it should and only then."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from support import alert_cases, promql
from support.alert_cases import Case
from tradewind_local.monitoring import tools

ROOT = alert_cases.ROOT
CONFIG = ROOT / "monitoring" / "prometheus" / "prometheus.yml"
NEWBORN = ROOT / "tests" / "ops" / "newborn_counters.yml"
ALERTS = sorted({str(rule["alert"]) for rule in alert_cases.alerts()})
ALWAYS_FIRING = {"Watchdog"}
OF_THE_BRIEF = {"AirflowDAGFailed": "critical", "AirflowTaskFailed": "warning", "KafkaConsumerLag": "warning"}


@pytest.fixture(scope="session")
def promtool() -> Path:
    return tools.ensure(["promtool"])["promtool"]


# The first use on a machine builds it.
@pytest.mark.timeout(1200)
def test_the_configuration_and_the_rules_are_sound(promtool: Path) -> None:
    command = [str(promtool), "check", "config", "--lint=all", "--lint-fatal", str(CONFIG)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_promtool_refuses_what_is_wrong(promtool: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yml"
    broken.write_text("groups: [{name: g, rules: [{alert: A, expr: 'sum(('}]}]")
    run = subprocess.run([promtool, "check", "rules", broken], capture_output=True, text=True, check=False)
    assert run.returncode != 0


@pytest.mark.timeout(600)
@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_fires_when_it_should_and_only_then(alert: str, promtool: Path, tmp_path: Path) -> None:
    found = [case for case in alert_cases.cases() if case.alert == alert]
    kinds = {case.fires for case in found}
    assert kinds == ({True} if alert in ALWAYS_FIRING else {True, False}), "a firing and a quiet case"
    alert_cases.run_unit_tests(promtool, tmp_path, alert, found)


def test_every_case_is_about_an_alert() -> None:
    assert {case.alert for case in alert_cases.cases()} == set(ALERTS)


def test_every_rule_of_an_alert_fires_in_a_case() -> None:
    fired = [case.labels for case in alert_cases.cases() if case.fires and case.alert == "ApiBudgetBurn"]
    assert {labels["window"] for labels in fired} == {
        rule["labels"]["window"] for rule in alert_cases.alerts("ApiBudgetBurn")
    }


@pytest.mark.parametrize(
    "change",
    [
        {"at": 15},  # not yet for ten minutes
        {"description": "another"},
        {"labels": {"consumergroup": "another", "topic": "workflow-events"}},
        {"fires": False},
    ],
)
def test_a_wrong_case_fails(change: dict[str, Any], promtool: Path, tmp_path: Path) -> None:
    firing = next(case for case in alert_cases.cases() if case.alert == "KafkaConsumerLag" and case.fires)
    wrong: Case = replace(firing, **(change | ({"at": 14} if "at" in change else {})))
    with pytest.raises(AssertionError, match="FAILED"):
        alert_cases.run_unit_tests(promtool, tmp_path, "KafkaConsumerLag", [wrong])


def test_counters_that_are_born_at_one_are_counted(promtool: Path) -> None:
    run = subprocess.run([promtool, "test", "rules", NEWBORN], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("rule", alert_cases.rules(), ids=lambda rule: str(rule.get("record") or rule["alert"]))
def test_an_expression_is_read_by_another_parser(rule: dict[str, Any]) -> None:
    assert promql.parse(rule["expr"])


def test_the_alerts_of_the_brief() -> None:
    found = {
        rule["alert"]: rule["labels"]["severity"] for rule in alert_cases.alerts() if rule["alert"] in OF_THE_BRIEF
    }
    assert found == OF_THE_BRIEF
    lag = alert_cases.alerts("KafkaConsumerLag")[0]
    assert lag["for"] == "10m"
    assert lag["expr"].endswith("> 1000")


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_what_is_the_matter(alert: str) -> None:
    for rule in alert_cases.alerts(alert):
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in ({"none"} if alert in ALWAYS_FIRING else {"critical", "warning"})
        assert rule["annotations"]["runbook_url"] == f"docs/runbook.md#{alert.lower()}"


def _entries() -> list[str]:
    return re.findall(r"^### (.+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)


def test_the_runbook_has_an_entry_for_every_alert() -> None:
    entries = _entries()
    assert sorted(entries) == sorted(set(entries))
    assert sorted(entries) == ALERTS


def test_an_entry_says_how_to_see_and_what_to_do() -> None:
    text = (ROOT / "docs" / "runbook.md").read_text()
    parts = re.split(r"^### .+$", text, flags=re.MULTILINE)[1:]
    short = [
        name for name, part in zip(_entries(), parts, strict=True) if not {"**See**", "**Do**"} <= set(part.split())
    ]
    assert short == []


def test_the_plan_is_the_briefs() -> None:
    plan = yaml.safe_load(CONFIG.read_text())
    assert plan["global"]["scrape_interval"] == plan["global"]["evaluation_interval"] == "15s"
    assert set(plan["global"]["external_labels"]) == {"cluster", "environment"}
    jobs = {job["job_name"] for job in plan["scrape_configs"]}
    assert jobs == {
        "airflow", "kafka", "fastapi", "prometheus",
        "langgraph", "node", "statsd-exporter", "alertmanager", "blackbox",
    }  # fmt: skip
    assert plan["storage"]["tsdb"]["retention"]["time"] == "30d"
