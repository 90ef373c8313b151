"""Later commands use what the running parts were started with, whatever their own shell sets."""

from pathlib import Path

import pytest

from tradewind_local import settings_in_use
from tradewind_local.layout import Layout
from tradewind_local.runner import ProcessState, Runner
from tradewind_local.settings import PORTS, LocalSettings
from tradewind_local.stack import Stack

UP = ProcessState("RUNNING", 1, 0)


def settings(home: Path, **values: object) -> LocalSettings:
    """Settings of a shell that sets `values`, by their fields' names."""
    return LocalSettings.model_validate({"home": home} | dict.fromkeys(PORTS.values(), 0) | values)


@pytest.fixture
def started(tmp_path: Path) -> LocalSettings:
    """What the parts that run were started with."""
    started = settings(tmp_path, kafka_bootstrap_servers="broker:9092", **dict.fromkeys(PORTS.values(), 7000))
    settings_in_use.record(started)
    return started


def test_every_port_and_the_broker_are_recorded(started: LocalSettings) -> None:
    assert settings_in_use.recorded(settings(started.home)) == started


def test_without_a_record_the_configured_values_apply(tmp_path: Path) -> None:
    configured = settings(tmp_path, api_port=7001)
    assert settings_in_use.recorded(configured) is configured


def test_up_keeps_the_ports_of_parts_that_run_and_those_alone(started: LocalSettings) -> None:
    configured = settings(started.home, api_port=7001, prometheus_port=7002, statsd_port=7003)
    chosen = settings_in_use.for_up(configured, ["api", "agents"])
    assert (chosen.api_port, chosen.agents_port, chosen.prometheus_port) == (7000, 7000, 7002)
    # Airflow sends its metrics there already; and the parts that run are clients of that broker.
    assert (chosen.statsd_port, chosen.kafka_bootstrap_servers) == (7000, "broker:9092")


def test_up_of_a_stack_that_is_down_uses_the_configured_values(started: LocalSettings) -> None:
    configured = settings(started.home, api_port=7001)
    assert settings_in_use.for_up(configured, []) is configured


@pytest.mark.parametrize("runs", [True, False])
def test_status_and_clients_go_by_the_record_while_the_stack_runs(
    started: LocalSettings, monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    monkeypatch.setattr(Runner, "answers", lambda _: runs)
    monkeypatch.setattr(Runner, "state", lambda *_: UP)
    configured = settings(started.home, api_port=7001)
    assert Layout(configured).ports["api"] == 7001  # as a start in another shell would take it
    stack = Stack(configured)
    port = 7000 if runs else 7001
    assert stack.environment()["TRADEWIND_API_URL"] == f"http://127.0.0.1:{port}"
    assert {row.part: row.url for row in stack.status()}["api"] == f"http://127.0.0.1:{port}"
    assert ("kafka" in {row.part for row in stack.status()}) is not runs
