"""What the monitoring's parts are given, and what they do without."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_local import __main__ as command
from tradewind_local.errors import BuildError, LocalError
from tradewind_local.layout import Layout
from tradewind_local.monitoring import parts, rendering, tools
from tradewind_local.parts import MONITORING
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack

PORTS = ("statsd_exporter", "kafka_exporter", "node_exporter", "blackbox_exporter", "alertmanager", "prometheus")
ADDRESSES = {part: f"127.0.0.1:{20_000 + number}" for number, part in enumerate(rendering.SERVICES.values())}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """The plan of a stack on free ports whose tools folder is empty."""
    free = {f"{name}_port": 0 for name in ("kafka", "airflow", "agents", "api", *PORTS)}
    return Layout(LocalSettings.model_validate({"home": tmp_path, "tools_dir": tmp_path / "tools"} | free))


def test_every_address_of_the_containers_is_replaced() -> None:
    text = rendering.prometheus(ADDRESSES)
    assert [service for service in rendering.SERVICES if service in text] == []
    plan = yaml.safe_load(text)
    targets = [
        target for job in plan["scrape_configs"] for group in job["static_configs"] for target in group["targets"]
    ]
    assert all("127.0.0.1:" in target for target in targets)
    assert ADDRESSES["alertmanager"] in str(plan["alerting"])


def test_every_service_is_named_in_the_containers_plan() -> None:
    text = rendering.PROMETHEUS.read_text()
    asked = {
        f"{name}:{row['port']}" for job in _plan() for row in job.get("dns_sd_configs", []) for name in row["names"]
    }
    assert asked == {"fastapi:8000", "langgraph-service:8001"}
    assert [service for service in rendering.SERVICES if service not in text and service not in asked] == []


def _plan() -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = yaml.safe_load(rendering.PROMETHEUS.read_text())["scrape_configs"]
    return jobs


def test_nothing_but_addresses_and_rule_files_differs() -> None:
    plan = yaml.safe_load(rendering.PROMETHEUS.read_text())
    # A name that has several addresses among the containers has one part here.
    for job in plan["scrape_configs"]:
        for row in job.pop("dns_sd_configs", []):
            job["static_configs"] = [{"targets": [f"{name}:{row['port']}" for name in row["names"]]}]
    same = yaml.safe_load(rendering.prometheus({part: name for name, part in rendering.SERVICES.items()}))
    assert same.pop("rule_files") == [str(rendering.PROMETHEUS.parent / path) for path in plan.pop("rule_files")]
    assert same == plan


def test_jobs_of_absent_parts_are_left_out() -> None:
    plan = yaml.safe_load(rendering.prometheus(ADDRESSES, absent=["node-exporter", "blackbox-exporter"]))
    every = yaml.safe_load(rendering.PROMETHEUS.read_text())
    left_out = {job["job_name"] for job in every["scrape_configs"]} - {
        job["job_name"] for job in plan["scrape_configs"]
    }
    assert left_out == {"node", "blackbox"}


def test_parts_listen_on_loopback_alone(layout: Layout, tmp_path: Path) -> None:
    for program in tools.MODULE_OF:
        path = tools.path(program, tmp_path / "tools")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = parts.build(layout)
    assert tuple(found) == MONITORING
    for part in found.values():
        text = " ".join(part.prepare())
        addresses = re.findall(r"(?:address|udp)=(\S*)", text)
        assert all(address.startswith("127.0.0.1:") for address in addresses if address)
        assert part.port is not None
        assert str(part.port.number) in text
    assert (tmp_path / "monitoring" / "prometheus.yml").stat().st_mode & 0o777 == 0o600


def test_no_part_gets_a_secret(layout: Layout) -> None:
    values = {value for name, value in layout.secrets.items() if "PORT" not in name}
    for part in parts.build(layout).values():
        assert set(part.environment.values()) & values == set()


def test_airflow_sends_to_the_exporter(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = layout.airflow_environment()
    assert environment["AIRFLOW__METRICS__STATSD_ON"] == "True"
    assert environment["AIRFLOW__METRICS__STATSD_PORT"] == str(layout.ports["statsd"])
    assert environment["AIRFLOW__METRICS__LEGACY_NAMES_ON"] == "False"
    monkeypatch.setattr(tools, "ensure", lambda names, _: dict.fromkeys(names, Path("program")))
    listens = f"--statsd.listen-udp={environment['AIRFLOW__METRICS__STATSD_HOST']}:{layout.ports['statsd']}"
    assert listens in parts.build(layout)["statsd-exporter"].prepare()


def test_a_port_has_a_variable_that_exists(layout: Layout) -> None:
    known = {f"TRADEWIND_{name.upper()}" for name in LocalSettings.model_fields}
    assert {part.port.variable for part in parts.build(layout).values() if part.port} <= known


def refuse(*_: object) -> dict[str, Path]:
    raise BuildError("no network")


def test_without_its_programs_the_rest_runs(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started: list[tuple[str, ...]] = []
    monkeypatch.setattr(tools, "ensure", refuse)
    monkeypatch.setattr(Stack, "up", lambda _, names: started.append(names))
    assert command.main(["up", "--home", str(layout.settings.home), "--parts", "kafka", "--monitoring"]) == 0
    assert started == [("kafka", "kafka-exporter")]
    said = capsys.readouterr().out
    assert said.count("no network") == 1
    assert "without statsd-exporter, node-exporter, blackbox-exporter, alertmanager, prometheus" in said


def test_a_program_that_cannot_be_had_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "ensure", refuse)
    missing = parts.build_programs(tmp_path, lambda *_: None)
    assert set(missing) == set(parts.PROGRAMS)
    assert all(isinstance(error, LocalError) for error in missing.values())
