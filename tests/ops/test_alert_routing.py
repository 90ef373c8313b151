"""Alertmanager's file: who hears of which alert, what keeps quiet meanwhile, and where the addresses come from."""

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from support import alert_cases
from tradewind_local.monitoring import receivers, tools

PLAN: dict[str, Any] = yaml.safe_load(receivers.SOURCE.read_text())
SECRETS = "/run/secrets/"
"""Where `alertmanager.yml` looks for its secrets: in a container they are mounted there."""
ROWS = {name: f"http://127.0.0.1:9/{name.lower()}" for name in receivers.VARIABLES}
ALERTS = sorted({str(rule["alert"]) for rule in alert_cases.alerts()})


@pytest.fixture(scope="session")
def amtool() -> Path:
    return tools.ensure(["amtool"])["amtool"]


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


# The first use on a machine builds it.
@pytest.mark.timeout(1200)
def test_the_file_is_sound(amtool: Path) -> None:
    run = _run(amtool, "check-config", receivers.SOURCE)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "rows", [{}, ROWS, {"ALERTMANAGER_WATCHDOG_URL": "http://127.0.0.1:9/"}], ids=["none", "all", "one"]
)
def test_the_rendered_file_is_sound(rows: dict[str, str], amtool: Path, tmp_path: Path) -> None:
    run = _run(amtool, "check-config", receivers.render(tmp_path, rows))
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_wrong_file_is_refused(amtool: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(receivers.SOURCE.read_text().replace("receiver: watchdog", "receiver: nobody"))
    assert _run(amtool, "check-config", wrong).returncode != 0


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_reaches_the_receiver_of_its_severity(alert: str, amtool: Path) -> None:
    for rule in alert_cases.alerts(alert):
        severity = rule["labels"]["severity"]
        wanted = "watchdog" if alert == "Watchdog" else severity
        command = [
            amtool,
            "config",
            "routes",
            "test",
            f"--config.file={receivers.SOURCE}",
            f"--verify.receivers={wanted}",
        ]
        run = _run(*command, f"alertname={alert}", f"severity={severity}")
        assert run.returncode == 0, run.stdout + run.stderr


def test_a_wrong_route_is_seen(amtool: Path) -> None:
    command = [amtool, "config", "routes", "test", f"--config.file={receivers.SOURCE}", "--verify.receivers=warning"]
    assert _run(*command, "alertname=AirflowDAGFailed", "severity=critical").returncode != 0


def test_inhibition_names_alerts_that_exist() -> None:
    named = {name for rule in PLAN["inhibit_rules"] for side in rule.values() for name in _names(side)}
    assert named <= set(ALERTS)
    assert len(named) > 15


def _names(matchers: list[str]) -> list[str]:
    found = [match[1] for text in matchers if (match := re.search(r'alertname =~? "(.+)"', text))]
    return [name for pattern in found for name in ALERTS if re.fullmatch(pattern, name)]


def _inhibits(source: str, target: str) -> bool:
    return any(
        source in _names(rule["source_matchers"]) and target in _names(rule["target_matchers"])
        for rule in PLAN["inhibit_rules"]
    )


def test_what_silences_what() -> None:
    assert _inhibits("AirflowSchedulerDown", "AirflowScheduleDelayHigh")
    assert _inhibits("StatsdSilent", "AirflowTriggererDown")
    assert _inhibits("AirflowDAGFailed", "AirflowTaskFailed")
    # A failed run is a fact; no part that is down now takes it back.
    assert not any(_inhibits(source, "AirflowDAGFailed") for source in ALERTS)
    assert not any(_inhibits(source, "Watchdog") for source in ALERTS)


def test_every_part_that_is_down_is_told_by_somebody() -> None:
    # What a silent exporter silences, the look over HTTP still tells.
    assert not any(_inhibits(source, "AirflowUnhealthy") for source in ALERTS)
    assert not any(_inhibits(source, "AirflowApiDown") for source in ALERTS)


def test_alerts_come_in_groups() -> None:
    assert PLAN["route"]["group_by"] == ["cluster", "environment", "alertname"]
    watchdog = PLAN["route"]["routes"][0]
    assert (watchdog["receiver"], watchdog["repeat_interval"]) == ("watchdog", "1m")


def test_addresses_are_private_files_and_in_no_configuration(tmp_path: Path) -> None:
    config = receivers.render(tmp_path / "new", ROWS)
    text = config.read_text()
    assert "127.0.0.1" not in text
    assert SECRETS not in text
    files = sorted(path.name for path in config.parent.iterdir())
    assert files == sorted(["alertmanager.yml", *(name.lower() for name in receivers.VARIABLES)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in config.parent.iterdir()} == {0o600}
    assert (config.parent / "alertmanager_watchdog_url").read_text() == ROWS["ALERTMANAGER_WATCHDOG_URL"]


def test_a_receiver_without_an_address_tells_nobody(tmp_path: Path) -> None:
    rendered = yaml.safe_load(
        receivers.render(tmp_path, {"ALERTMANAGER_WEBHOOK_URL": "http://127.0.0.1:9/"}).read_text()
    )
    ways = {
        row["name"]: {kind: len(row[kind]) for kind in row if kind != "name" and row[kind]}
        for row in rendered["receivers"]
    }
    assert ways == {"critical": {"webhook_configs": 1}, "warning": {"webhook_configs": 1}, "watchdog": {}}


@pytest.mark.parametrize("folder", ["plain", "with a space", "back\\slash & 'quote' #"])
def test_the_containers_script_takes_any_folder(folder: str, tmp_path: Path) -> None:
    home = tmp_path / folder
    rendered = yaml.safe_load(receivers.render(home, {"ALERTMANAGER_WATCHDOG_URL": "http://127.0.0.1:9/"}).read_text())
    assert rendered["receivers"][-1]["webhook_configs"] == [
        {"url_file": str(home / "alertmanager_watchdog_url"), "send_resolved": False}
    ]


def test_the_repository_holds_no_address() -> None:
    for receiver in PLAN["receivers"]:
        for ways in (value for key, value in receiver.items() if key.endswith("_configs")):
            # First in its way, and of a known variable: what ready.sh goes by.
            firsts = [next(iter(way.values())) for way in ways]
            known = {SECRETS + name.lower() for name in receivers.VARIABLES}
            assert set(firsts) <= known, firsts
            assert not any("://" in str(value) for way in ways for value in way.values())


def test_the_example_lists_the_variables() -> None:
    text = (receivers.SOURCE.parents[2] / ".env.example").read_text()
    assert [name for name in receivers.VARIABLES if f"\n# {name}=\n" not in text] == []
