"""The settings that the running parts were started with: later commands use them, whatever their shell sets."""

import json
from collections.abc import Collection
from pathlib import Path

from tradewind_local.env_file import write_private
from tradewind_local.settings import PORTS, LocalSettings

RECORDED = {"kafka_bootstrap_servers", *PORTS.values()}


def record(settings: LocalSettings) -> None:
    """Store what `up` is about to use."""
    write_private(_file(settings), settings.model_dump_json(include=RECORDED, indent=2) + "\n")


def recorded(configured: LocalSettings) -> LocalSettings:
    """`configured`, with the ports and the broker that the last `up` used."""
    file = _file(configured)
    return configured.model_copy(update=json.loads(file.read_text())) if file.exists() else configured


def for_up(configured: LocalSettings, running: Collection[str]) -> LocalSettings:
    """What `up` uses while the parts `running` run: recorded values, and `configured` ports for all other parts."""
    if not running:
        return configured
    free = {part: name for part, name in PORTS.items() if part not in {*running, "statsd"}}
    return recorded(configured).model_copy(update={name: getattr(configured, name) for name in free.values()})


def _file(settings: LocalSettings) -> Path:
    return settings.home / "settings-in-use.json"
