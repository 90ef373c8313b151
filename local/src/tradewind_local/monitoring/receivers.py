"""Alertmanager's configuration made ready to run: receivers whose addresses `.env` has, each as a private file.

Alertmanager reads no environment, and an address that lets its owner post in a channel is a secret.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_local import repository
from tradewind_local.credentials import write_private

SOURCE = repository.ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
SECRETS = "/run/secrets/"
"""Where `alertmanager.yml` looks for its secrets: in a container they are mounted there."""

VARIABLES = (
    "ALERTMANAGER_WEBHOOK_URL",
    "ALERTMANAGER_SLACK_WEBHOOK_URL",
    "ALERTMANAGER_PAGERDUTY_ROUTING_KEY",
    "ALERTMANAGER_WATCHDOG_URL",
)


def render(target: Path, rows: Mapping[str, str], source: Path = SOURCE) -> Path:
    """Write `source` and its secret files into `target`, all of mode 600, and return the configuration's path.

    A receiver keeps the ways that `rows` have a value for, and with none it tells nobody. Raises KeyError for a secret
    file in `source` that is no variable's.
    """
    plan: dict[str, Any] = yaml.safe_load(source.read_text())
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for receiver in plan["receivers"]:
        for kind in [key for key in receiver if key.endswith("_configs")]:
            receiver[kind] = [way for way in receiver[kind] if _made_ready(way, target, rows)]
    config = target / "alertmanager.yml"
    write_private(config, yaml.safe_dump(plan, sort_keys=False))
    return config


def _made_ready(way: dict[str, Any], target: Path, rows: Mapping[str, str]) -> bool:
    """Write the secret of one way to a receiver; False when there is none."""
    key = next(name for name, value in way.items() if str(value).startswith(SECRETS))
    name = Path(way[key]).name
    value = rows.get(_variable(name), "")
    if value:
        way[key] = str(target / name)
        write_private(target / name, value)
    return bool(value)


def _variable(file: str) -> str:
    return {name.lower(): name for name in VARIABLES}[file]
