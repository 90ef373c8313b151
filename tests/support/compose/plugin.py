"""Docker Compose: the machine's own plugin, or the one that `make tools` builds from its Go module."""

import re
from dataclasses import replace
from pathlib import Path

from support.compose.engine import Engine
from tradewind_local.monitoring import tools

PROGRAM = "docker-compose"
OLDEST = (2, 24)


def with_compose(engine: Engine, folder: Path) -> Engine:
    """The engine, with a client that has Compose; `folder` takes the client's configuration where it had none.

    Raises BuildError when Compose has to be built and cannot be.
    """
    if _version(engine) >= OLDEST:
        return engine
    plugins = folder / "cli-plugins"
    plugins.mkdir(parents=True, exist_ok=True)
    link = plugins / PROGRAM
    link.unlink(missing_ok=True)
    link.symlink_to(tools.ensure([PROGRAM])[PROGRAM])
    return replace(engine, environment={**engine.environment, "DOCKER_CONFIG": str(folder)})


def _version(engine: Engine) -> tuple[int, ...]:
    said = re.match(r"v?(\d+)\.(\d+)", engine.docker("compose", "version", "--short", check=False))
    return (int(said[1]), int(said[2])) if said else ()
