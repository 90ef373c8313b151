"""The monitoring programs that are written in Go, and where they are stored once built."""

import os
import platform
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

LOCK_FILE = Path(__file__).with_name("go-modules.toml")


@dataclass(frozen=True)
class GoModule:
    """One row of `go-modules.toml`. `commands`: program's name and its package's folder within the module.

    `version_variable`: of Go, where the program looks up its release.
    """

    path: str
    version: str
    release: str
    sum: str
    commands: dict[str, str]
    tags: str = ""
    absent: str = ""
    version_variable: str = "github.com/prometheus/common/version.Version"

    @property
    def name(self) -> str:
        """What people call it."""
        # From its second major version on, a module's path ends with that.
        return re.sub(r"/v\d+$", "", self.path).rpartition("/")[2]

    def folder(self, tools: Path) -> Path:
        """Where its programs are in the folder `tools`: one place for each release and kind of machine."""
        return tools / f"{self.name}-{self.release}-{sys.platform}-{platform.machine().lower()}"

    def is_built(self, tools: Path) -> bool:
        """Whether all of its programs are there."""
        return all((self.folder(tools) / command).is_file() for command in self.commands)


def read_lock(lock_file: Path = LOCK_FILE) -> tuple[GoModule, ...]:
    """The pinned modules, in the order of the file."""
    return tuple(GoModule(**row) for row in tomllib.loads(lock_file.read_text())["module"])


def default_tools() -> Path:
    """The folder that all clones share: TRADEWIND_TOOLS_DIR, or `tradewind` in the user's cache folder."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("TRADEWIND_TOOLS_DIR") or cache / "tradewind").absolute()
