"""`python -m tradewind_local.monitoring.tools NAME…`: print where the programs are; build those that are missing."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console

from tradewind_local.errors import LocalError
from tradewind_local.monitoring import go_build
from tradewind_local.monitoring.go_modules import GoModule, default_tools, read_lock

MODULE_OF: dict[str, GoModule] = {command: module for module in read_lock() for command in module.commands}
"""Every program, and the module that it is built from."""


def path(command: str, tools: Path | None = None) -> Path:
    """Where a program is stored, whether or not it is built yet."""
    return MODULE_OF[command].folder(tools or default_tools()) / command


def ensure(
    commands: Iterable[str], tools: Path | None = None, report: Callable[[str, float], None] = lambda _, __: None
) -> dict[str, Path]:
    """The paths of programs, built when they are missing (minutes). Raises BuildError and ChecksumError."""
    folder, names = tools or default_tools(), list(commands)
    go_build.ensure([MODULE_OF[name] for name in names], folder, report)
    return {name: path(name, folder) for name in names}


def main() -> int:
    """Print a path a line; all programs without a name."""
    parser = argparse.ArgumentParser("tools", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODULE_OF))
    names = parser.parse_args().names or list(MODULE_OF)
    if unknown := set(names) - set(MODULE_OF):
        parser.error(f"no such program: {', '.join(sorted(unknown))}; there are {', '.join(MODULE_OF)}")
    errors = Console(stderr=True, highlight=False)
    try:
        found = ensure(names, report=lambda what, seconds: errors.print(f"  {what:<32} {seconds:6.1f} s"))
    except LocalError as error:
        errors.print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    sys.stdout.writelines(f"{place}\n" for place in found.values())
    return 0


if __name__ == "__main__":
    sys.exit(main())
