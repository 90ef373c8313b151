"""Alertmanager's configuration made ready to run: receivers whose addresses `.env` has, each as a private file.

Alertmanager reads no environment, and an address that lets its owner post in a channel is a secret. The containers
run the same `ready.sh`.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tradewind_local import repository
from tradewind_local.env_file import OPTIONAL, write_private

SOURCE = repository.ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
READY = SOURCE.with_name("ready.sh")
VARIABLES = tuple(name for name in OPTIONAL if name.startswith("ALERTMANAGER_"))


def render(target: Path, rows: Mapping[str, str], source: Path = SOURCE) -> Path:
    """Write `source` and its secret files into `target`, all of mode 600, and return the configuration's path.

    A receiver keeps the ways that `rows` have a value for, and with none it tells nobody.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in VARIABLES:
        write_private(target / name.lower(), rows.get(name, ""))
    command = ["sh", str(READY), str(source), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 our own command line
    config = target / "alertmanager.yml"
    write_private(config, done.stdout)
    return config
