"""Docker Compose: the machine's own plugin, or the one that `make tools` builds from its Go module."""

import re

from support.compose.engine import Engine
from tradewind_local.monitoring import tools

PROGRAM = "docker-compose"
OLDEST = 2


def command(engine: Engine) -> list[str]:
    """What to put before Compose's own arguments. Raises BuildError when there is none and it cannot be built."""
    said = engine.docker("compose", "version", "--short", check=False)
    version = re.match(r"v?(\d+)\.", said)
    if version and int(version[1]) >= OLDEST:
        return ["docker", "compose"]
    return [str(tools.ensure([PROGRAM])[PROGRAM])]
