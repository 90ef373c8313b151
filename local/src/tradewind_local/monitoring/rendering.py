"""The containers' configuration of Prometheus with this machine's addresses in it."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_local import repository

FOLDER = repository.ROOT / "monitoring"
PROMETHEUS = FOLDER / "prometheus" / "prometheus.yml"

SERVICES = {
    "statsd-exporter:9102": "statsd-exporter",
    "kafka-exporter:9308": "kafka-exporter",
    "node-exporter:9100": "node-exporter",
    "blackbox-exporter:9115": "blackbox-exporter",
    "prometheus:9090": "prometheus",
    "alertmanager:9093": "alertmanager",
    "fastapi:8000": "api",
    "langgraph-service:8001": "agents",
    "airflow-apiserver:8080": "airflow-api-server",
}
"""The containers' addresses, and the parts of the local stack that answer in their place."""


def prometheus(addresses: Mapping[str, str], absent: Collection[str] = (), source: Path = PROMETHEUS) -> str:
    """`source` with the parts' `addresses`, without the scrape jobs of the parts that are `absent`.

    Relative paths of rule files are from the folder of `source`. Raises KeyError for a part without an address.
    """
    plan: dict[str, Any] = yaml.safe_load(source.read_text())
    for job in plan["scrape_configs"]:
        _without_dns(job)
    gone = {service for service, part in SERVICES.items() if part in absent}
    plan["scrape_configs"] = [job for job in plan["scrape_configs"] if not gone & set(_texts(job))]
    plan["rule_files"] = [str(source.parent / pattern) for pattern in plan.get("rule_files", ())]
    text: str = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
    for service, part in SERVICES.items():
        text = text.replace(service, addresses[part])
    return text


def _without_dns(job: dict[str, Any]) -> None:
    """Where the containers ask for the addresses behind a name, this machine has one part at a known one."""
    asked = job.pop("dns_sd_configs", [])
    if asked:
        job["static_configs"] = [{"targets": [f"{name}:{row['port']}" for name in row["names"]]} for row in asked]


def _texts(node: Any) -> list[str]:
    """Every string within a piece of YAML."""
    match node:
        case dict():
            return [text for value in node.values() for text in _texts(value)]
        case list():
            return [text for value in node for text in _texts(value)]
        case _:
            return [str(node)]
