"""Steps that depend on each other, run side by side as far as they can."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event


class StoppedError(Exception):
    """This step was given up because another one failed."""


@dataclass(frozen=True)
class Step:
    """One step; it starts when the steps in `after` that are to be run have ended. `run` stops at the event."""

    name: str
    run: Callable[[Event], None]
    after: tuple[str, ...] = ()


def run_steps(steps: Sequence[Step], report: Callable[[str, float], None]) -> None:
    """Run all steps, which are in a possible order; `report(name, seconds)` is called as each one ends.

    The first error stops the others and is raised.
    """
    stop = Event()
    done: dict[str, Future[None]] = {}
    with ThreadPoolExecutor(max(len(steps), 1)) as threads:
        try:
            for step in steps:
                before = [done[name] for name in step.after if name in done]
                done[step.name] = threads.submit(_run, step, before, stop, report)
            wait(done.values(), return_when=FIRST_EXCEPTION)
        finally:
            stop.set()
    _raise_cause(list(done.values()))


def _run(step: Step, before: list[Future[None]], stop: Event, report: Callable[[str, float], None]) -> None:
    wait(before)
    if stop.is_set() or any(future.exception() for future in before):
        raise StoppedError
    start = time.monotonic()
    step.run(stop)
    report(step.name, time.monotonic() - start)


def _raise_cause(futures: list[Future[None]]) -> None:
    errors = [error for future in futures if (error := future.exception())]
    for error in sorted(errors, key=lambda error: isinstance(error, StoppedError)):
        raise error
