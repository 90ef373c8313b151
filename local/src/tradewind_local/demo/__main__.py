"""`python -m tradewind_local.demo`: the whole path on real parts, from an event to a readable result."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

from tradewind_local.demo import pages
from tradewind_local.demo.client import DemoClient
from tradewind_local.demo.runs import DemoRun, demo_runs
from tradewind_local.errors import LocalError
from tradewind_local.processes import PartStatus
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack

LONGEST_SECONDS = 180
LOOK_SECONDS = 0.5


def main(arguments: list[str] | None = None) -> int:
    """Run the demo; the exit code is 0 when every run succeeded."""
    options = _parser().parse_args(arguments)
    console = Console(highlight=False)
    stack = Stack(LocalSettings.load(options.home), lambda part, s: console.print(f"  {part:<22} {s:6.1f} s"))
    try:
        return _show(stack, console, once=options.once)
    except LocalError as error:
        console.print(f"[bold red]error:[/] {error}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nstopping")
        return 0
    finally:
        stack.down()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tradewind_local.demo", description=__doc__)
    parser.add_argument("--home", type=Path, help="folder of the stack's data, logs and configuration")
    parser.add_argument("--once", action="store_true", help="end by itself, with exit code 0 if everything worked")
    return parser


def _show(stack: Stack, console: Console, *, once: bool) -> int:
    start = time.monotonic()
    console.print("Starting the stack (the first time fetches Kafka and fills the databases)")
    stack.up()
    runs = _run(stack, console)
    console.print()
    took = time.monotonic() - start
    for run in runs:
        console.print(pages.result(run))
    good = all(run.succeeded for run in runs)
    console.print(
        f"{'Both workflows worked' if good else '[bold red]Something did not work[/]'}: "
        f"{took:.0f} s from the first start to the last result, {_memory(stack.status())} of memory"
    )
    if not once:
        console.print(pages.addresses(stack.environment()))
        _until_interrupted()
    return 0 if good else 1


def _run(stack: Stack, console: Console) -> list[DemoRun]:
    environment = stack.environment()
    with DemoClient(environment) as client, Live(console=console, refresh_per_second=4) as live:
        runs = [client.send(run) for run in demo_runs(Path(environment["TRADEWIND_DATA_DIR"]))]
        deadline = time.monotonic() + LONGEST_SECONDS
        while not all(run.ended for run in runs) and time.monotonic() < deadline:
            runs = [run if run.ended else client.look(run) for run in runs]
            live.update(pages.progress(runs))
            time.sleep(LOOK_SECONDS)
    return runs


def _memory(rows: list[PartStatus]) -> str:
    return f"{sum(row.memory for row in rows) / 2**30:.2f} GiB"


def _until_interrupted() -> None:
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
