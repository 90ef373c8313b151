"""The same rules and routes in a quicker time: every duration divided, nothing else changed. For drills."""

import re
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

# A duration is a word of its own: the one in a recorded series' name (`increase15m`) is part of a word.
_DURATION = re.compile(r"\b(?:\d+(?:ms|[smhdwy]))+\b")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_MILLISECONDS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "y": 31_536_000_000,
}
_ROUTE_KEYS = ("group_wait", "group_interval", "repeat_interval")


def quicker(duration: str, factor: float) -> str:
    """A duration divided by `factor`, in whole milliseconds: `15m` by 15 is `60000ms`."""
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(duration))
    return f"{max(1, round(milliseconds / factor))}ms"


def expression(text: str, factor: float) -> str:
    """A PromQL expression with every range, offset and written-out duration divided."""
    return _DURATION.sub(lambda found: quicker(found[0], factor), text)


def rules(text: str, factor: float) -> str:
    """A rule file."""
    document: dict[str, Any] = yaml.safe_load(text)
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        rule["expr"] = expression(rule["expr"], factor)
        rule |= {key: quicker(rule[key], factor) for key in ("for", "keep_firing_for") if key in rule}
    return _dump(document)


def prometheus(text: str, factor: float, rule_files: Path) -> str:
    """Prometheus' configuration, with the rule files of the folder `rule_files`."""
    document: dict[str, Any] = yaml.safe_load(text)
    interval = quicker(document["global"]["scrape_interval"], factor)
    document["global"] |= {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
    document["rule_files"] = [f"{rule_files}/*.yml"]
    return _dump(document)


def alertmanager(text: str, factor: float) -> str:
    """Alertmanager's configuration."""
    document: dict[str, Any] = yaml.safe_load(text)
    for route in (document["route"], *document["route"]["routes"]):
        route |= {key: quicker(route[key], factor) for key in _ROUTE_KEYS if key in route}
    return _dump(document)


def _dump(document: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    return text
