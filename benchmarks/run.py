"""`make bench [NAME=…]`: run one benchmark or all, each beside its peer, and write docs/performance.md."""

import argparse
from collections.abc import Callable

import accept
import capacity
import create
import event_to_run
import growth
import metrics_cost
import plugin_import
import run_list
import status
import throughput
import watchers
from figures import Benchmark
from report import write_performance
from stack_under_test import StackUnderTest, running

ALONE: dict[str, Callable[[], Benchmark]] = {
    "import": plugin_import.run,
    "create": create.run,
    "status": status.run,
    "list": run_list.run,
    "watchers": watchers.run,
    "metrics": metrics_cost.run,
    "growth": growth.run,
}
# `accept` comes last: the events that it leaves behind are still being made into runs.
ON_STACK: dict[str, Callable[[StackUnderTest], Benchmark]] = {
    "throughput": throughput.run,
    "event-to-run": event_to_run.run,
    "accept": accept.run,
}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*ALONE, *ON_STACK], help="one benchmark; all without it")
    asked = parser.parse_args().name
    for name, run in ALONE.items():
        if asked in (None, name):
            _report(run())
    names = [name for name in ON_STACK if asked in (None, name)]
    if names:
        with running() as stack:
            for name in names:
                _report(ON_STACK[name](stack))
    capacity.write()
    print(f"{write_performance()} and {capacity.PAGE} are rewritten")


def _report(benchmark: Benchmark) -> None:
    path = benchmark.write()
    print(f"\n{benchmark.name} ({path.name})")
    for kind, figures in (("ours", benchmark.figures), ("peer", benchmark.peer), ("ratio", benchmark.ratios)):
        for name, value in figures.items():
            print(f"  {kind:5} {name:28} {value:12.3f}")
    for limit in benchmark.verdicts():
        sign = ">=" if limit["at_least"] else "<="
        verdict = "met" if limit["met"] else "MISSED"
        print(f"  limit {limit['figure']:28} {sign} {limit['limit']}: {verdict}")


if __name__ == "__main__":
    main()
