"""The dashboards: generated, whole, and by the rules of those who write many."""

import json
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from support import dashboard_lint, promql
from tradewind_dashboards import __main__ as generator
from tradewind_dashboards.grafana import DATASOURCE_UID

GRAFANA = Path(__file__).parents[2] / "monitoring" / "grafana"
KNOWN_BAD = json.loads((Path(__file__).parents[1] / "data" / "dashboards" / "known_bad.json").read_text())
DASHBOARDS: dict[str, dict[str, Any]] = {name: json.loads(text) for name, text in generator.texts().items()}
EXCLUSIONS = yaml.safe_load((GRAFANA / ".lint").read_text())["exclusions"]

OF_THE_BRIEF = {
    "airflow.json": [
        "DAG execution success rate",
        "Task execution duration",
        "Failed task count",
        "DAG run status distribution",
    ],
    "kafka.json": ["Consumer lag", "Message throughput", "Topic partition count", "Broker status"],
    "api.json": ["Request rate", "Response time p50/p95/p99", "Error rate", "Active connections"],
    "system.json": ["CPU usage", "Memory usage", "Disk I/O", "Network throughput"],
}


def test_the_committed_files_are_what_the_code_gives() -> None:
    committed = {path.name: path.read_text() for path in (GRAFANA / "dashboards").iterdir()}
    assert committed == generator.texts(), "run `make dashboards`"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_keeps_the_rules(name: str) -> None:
    assert dashboard_lint.faults(DASHBOARDS[name], EXCLUSIONS) == []


def test_every_rule_finds_its_fault() -> None:
    found = {rule for rule, _ in dashboard_lint.faults(KNOWN_BAD)}
    assert found == dashboard_lint.RULES


def test_every_exception_is_needed() -> None:
    needed = {
        (rule, dashboard["title"], title)
        for dashboard in DASHBOARDS.values()
        for rule, where in dashboard_lint.faults(dashboard)
        for title in (where.partition(":")[0], None)
    }
    for rule, exclusion in EXCLUSIONS.items():
        assert exclusion["reason"]
        for entry in exclusion["entries"]:
            assert (rule, entry["dashboard"], entry.get("panel")) in needed


@pytest.mark.parametrize(
    ("expression", "births"),
    [
        ("x_total unless x_total offset 5m", [True, True]),
        ("(x_total) unless (x_total offset 5m) or increase(x_total[5m])", [True, True, False]),
        ("x_total unless y_total offset 5m", [False, False]),
        ('x_total unless x_total{a="b"} offset 5m', [False, False]),
        ("x_total unless x_total", [False, False]),
        ("sum(x_total) unless x_total offset 5m", [False, False]),
    ],
)
def test_births_are_told_from_counters_as_they_stand(expression: str, births: list[bool]) -> None:
    assert [use.is_birth for use in promql.uses(expression)] == births


@pytest.mark.parametrize("name", OF_THE_BRIEF)
def test_the_panels_of_the_brief_are_there(name: str) -> None:
    titles = [panel["title"] for panel in dashboard_lint.panels(DASHBOARDS[name])]
    assert [title for title in OF_THE_BRIEF[name] if title not in titles] == []
    assert len(set(titles)) == len(titles), "two panels of one name cannot be told apart in an exception"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_fill_their_lines_and_do_not_overlap(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARDS[name]["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    tops = {panel["gridPos"]["y"] for panel in DASHBOARDS[name]["panels"]}
    assert {y: sum((x, y) in taken for x in range(24)) for y in tops} == dict.fromkeys(tops, 24)


def test_uids_and_titles_are_unique_and_panels_numbered() -> None:
    for key in ("uid", "title"):
        assert len({dashboard[key] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    for dashboard in DASHBOARDS.values():
        assert [panel["id"] for panel in dashboard["panels"]] == list(range(1, len(dashboard["panels"]) + 1))


def test_grafana_gets_the_data_source_that_the_dashboards_begin_with() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    prometheus = yaml.safe_load((GRAFANA.parent / "prometheus" / "prometheus.yml").read_text())
    assert (source["uid"], source["type"], source["editable"]) == (DATASOURCE_UID, "prometheus", False)
    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
    for dashboard in DASHBOARDS.values():
        assert dashboard_lint.variables(dashboard)["datasource"]["current"]["value"] == DATASOURCE_UID


def test_grafana_finds_the_dashboards_and_a_password_in_files() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/tradewind.yml").read_text())["providers"]
    settings = RawConfigParser()
    settings.read(GRAFANA / "grafana.ini")
    home = Path(settings["dashboards"]["default_home_dashboard_path"])
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert provider["options"]["path"] == str(home.parent)
    assert home.name in DASHBOARDS
    assert settings["security"]["admin_password"].startswith("$__file{")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_the_guide_shows_each_dashboard(name: str) -> None:
    docs = GRAFANA.parents[1] / "docs"
    picture = f"images/dashboard-{name.removesuffix('.json')}.png"
    assert f"]({picture})" in (docs / "monitoring.md").read_text()
    assert 10_000 < (docs / picture).stat().st_size < 150_000
