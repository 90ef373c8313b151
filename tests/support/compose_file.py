"""What docker-compose.yml says of its services, as the tables of docs/deployment.md show it."""

import re
from collections import defaultdict
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

from support.airflow_home import ROOT
from support.compose_rules import is_job

Service = dict[str, Any]

CORE = "core"
"""Services without a profile."""


def compose_file() -> dict[str, Any]:
    """The file as YAML, its variables as they stand there."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def profile(service: Service) -> str:
    """The profile that a service belongs to."""
    return next(iter(service.get("profiles", [])), CORE)


def memory_mib(service: Service) -> int:
    """The limit of a service's memory."""
    text = str(service["deploy"]["resources"]["limits"]["memory"])
    return int(text[:-1]) * {"m": 1, "g": 1024}[text[-1]]


def image(service: Service) -> str:
    """Name and tag, with the default where a variable decides."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", service["image"].rpartition("/")[2])


def port(service: Service) -> str:
    """The default port on the machine; nothing where none is published."""
    found = re.search(r"_PORT:-(\d+)\}", str(service.get("ports", "")))
    return found[1] if found else ""


def sums() -> dict[str, int]:
    """Profile -> limits of memory of all that keeps running, MiB."""
    total: dict[str, int] = defaultdict(int)
    for service in compose_file()["services"].values():
        if not is_job(service):
            total[profile(service)] += memory_mib(service)
    return dict(total)
