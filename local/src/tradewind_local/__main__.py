"""`python -m tradewind_local up|down|status`."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from tradewind_local.errors import LocalError
from tradewind_local.monitoring import parts as monitoring
from tradewind_local.parts import ALL, MONITORING
from tradewind_local.processes import PartStatus
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack

MEGABYTE = 1024 * 1024
FIRST_START = "first start: fetches Kafka's jars (44 MB, once on a machine), makes databases and secrets"
LOGINS = {
    "api": "the facade; /docs; bearer token: API_TOKENS in {env_file}",
    "prometheus": "Prometheus; metrics, rules and alerts",
    "alertmanager": "Alertmanager; alerts and notifications",
    "airflow-api-server": "Airflow; user admin, password: AIRFLOW_ADMIN_PASSWORD in {env_file}",
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code is 0 when it did what it says."""
    options = _parser().parse_args(arguments)
    # A pipe has no width; a table cut to 80 columns would be of no use in it.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)

    def report(name: str, seconds: float) -> None:
        console.print(f"  {name:<28} {seconds:6.1f} s")

    stack = Stack(LocalSettings.load(options.home), report)
    try:
        return int(getattr(_Commands(stack, console, report), options.command)(options) or 0)
    except LocalError as error:
        Console(stderr=True, highlight=False).print(f"error: {error}", markup=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("stopped half way; `python -m tradewind_local down` ends what was started")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tradewind_local", description="Tradewind's stack on this machine")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (("up", "start it and wait until it is ready"), ("down", "stop it"), ("status", "look at it")):
        command = commands.add_parser(name, help=text)
        command.add_argument("--home", type=Path, help="folder of its data, logs and configuration")
        if name == "up":
            command.add_argument("--parts", nargs="+", choices=ALL, default=ALL, help="these parts and what they need")
            command.add_argument("--monitoring", action="store_true", help="and the parts that watch them")
    return parser


class _Commands:
    def __init__(self, stack: Stack, console: Console, report: Callable[[str, float], None]) -> None:
        self._stack, self._console, self._report = stack, console, report

    def up(self, options: argparse.Namespace) -> None:
        start = time.monotonic()
        if not self._stack.settings.ports_file.exists():
            self._console.print(FIRST_START)
        watchers = self._watchers() if options.monitoring else ()
        self._stack.up((*options.parts, *watchers))
        settings = self._stack.settings
        self._console.print(f"up after {time.monotonic() - start:.1f} s; data and logs: {settings.home}")
        for row in self._stack.status():
            if row.pid and row.part in LOGINS:
                hint = LOGINS[row.part].format(env_file=settings.env_file)
                self._console.print(f"  {row.url}  {hint}")

    def _watchers(self) -> tuple[str, ...]:
        """The monitoring's parts, without those whose programs cannot be had here."""
        settings = self._stack.settings
        missing = monitoring.build_programs(settings.tools_dir, self._report)
        for error in dict.fromkeys(map(str, missing.values())):
            self._console.print(f"monitoring without {', '.join(missing)}: {error}", markup=False, soft_wrap=True)
        return tuple(name for name in MONITORING if name not in missing)

    def down(self, _: argparse.Namespace) -> None:
        self._stack.down()
        self._console.print("down; the data stays")

    def status(self, _: argparse.Namespace) -> int:
        rows = self._stack.status()
        self._console.print(table(rows))
        return 0 if all(row.pid for row in rows) else 3


def table(rows: list[PartStatus]) -> Table:
    """The parts as a table, with the memory of all in the last row."""
    grid = Table("part", "state", "pid", "up", "memory", "url", show_footer=True, box=SIMPLE)
    for row in rows:
        pid, uptime, memory = "", "", ""
        if row.pid:
            pid, uptime, memory = str(row.pid), f"{row.uptime:.0f} s", f"{row.memory / MEGABYTE:.0f} MiB"
        grid.add_row(row.part, row.state, pid, uptime, memory, row.url)
    grid.columns[4].footer = f"{sum(row.memory for row in rows) / MEGABYTE:.0f} MiB"
    return grid


if __name__ == "__main__":
    sys.exit(main())
