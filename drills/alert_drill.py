"""`make test-alerts`: break things on a real stack, and see that each alert reaches a receiver, and is over afterwards.

The rules and the routes are the repository's own with every duration divided by the same factor, so that ten minutes
last forty seconds; Prometheus, Alertmanager, the exporters, Airflow and Kafka are real. Prints what fired when; ends
with 1 if an alert did not come, did not end, or came although another silences it.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from alert_causes import Cause, Labels, on_its_own, side_by_side
from alert_stack import DrillStack, running

FACTOR = 15
PATIENCE_SECONDS = 200
"""Longest wait for the alerts of a group of causes to come, and again for them to end."""


@dataclass
class Watch:
    """One alert of a cause: seconds from the beginning to its message, and from the end to its all-clear.

    One that is `silenced` has no message: it fires when Alertmanager holds it back.
    """

    cause: Cause
    labels: Labels
    begun: float
    silenced: bool = False
    fired: float | None = None
    ended: float | None = None
    resolved: float | None = None


def main() -> int:
    """Run the drill; return 0 when every alert did what it has to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factor", type=float, default=FACTOR, help="what every duration is divided by")
    begin = time.monotonic()
    with running(parser.parse_args().factor) as drill:
        _await_watchdog(drill)
        _await_dags(drill)
        passed = [_drill(drill, causes(drill)) for causes in (side_by_side, on_its_own)]
        beats = sum(notice.labels["alertname"] == "Watchdog" for notice in drill.receiver.notices)
    print(f"\nWatchdog was heard {beats} times; the drill took {time.monotonic() - begin:.0f} s")
    return 0 if all(passed) else 1


def _await_watchdog(drill: DrillStack) -> None:
    if not _wait(lambda: drill.receiver.first("firing", {"alertname": "Watchdog"}) is not None):
        raise RuntimeError("the dead man's switch was not heard: no alert would be")


def _await_dags(drill: DrillStack) -> None:
    wanted = {"drill_fails", "drill_task_fails", "drill_pool", "drill_held"}

    def known() -> bool:
        return wanted <= {row["workflow_id"] for row in api.get("/workflows").raise_for_status().json()}

    with drill.api() as api:
        if not _wait(known):
            raise RuntimeError("Airflow does not know the drill's DAGs")


def _drill(drill: DrillStack, causes: list[Cause]) -> bool:
    """Begin causes, end each when its alerts came, and wait until all are over."""
    start = time.monotonic()
    watches = []
    for cause in causes:
        print(f"\n{cause.name}: begins", flush=True)
        cause.begin()
        watches += [Watch(cause, labels, time.monotonic()) for labels in cause.expected]
        watches += [Watch(cause, labels, time.monotonic(), silenced=True) for labels in cause.silenced]
    _wait(lambda: _all_fired(drill, watches))
    for cause in causes:
        if any(watch.ended is None for watch in watches if watch.cause is cause):
            _end(cause, watches)
    _wait(lambda: _all_resolved(drill, watches))
    unheard = [_is_unheard(drill, labels, start) for cause in causes for labels in (*cause.silenced, *cause.wrong)]
    return all([*[_report(watch) for watch in watches], *unheard])


def _all_fired(drill: DrillStack, watches: list[Watch]) -> bool:
    held_back = drill.held_back()
    for watch in (watch for watch in watches if watch.fired is None):
        if watch.silenced:
            _see(watch, time.monotonic() if any(watch.labels.items() <= row.items() for row in held_back) else None)
        elif notice := drill.receiver.first("firing", watch.labels, watch.begun):
            _see(watch, notice.at, notice.annotations["description"])
    for cause in {id(watch.cause): watch.cause for watch in watches}.values():
        own = [watch for watch in watches if watch.cause is cause]
        if all(watch.ended is None for watch in own):
            cause.keep_up()
            if all(watch.fired is not None for watch in own):
                _end(cause, own)
    return all(watch.fired is not None for watch in watches)


def _see(watch: Watch, at: float | None, description: str = "held back by Alertmanager") -> None:
    if at is not None:
        watch.fired = at - watch.begun
        print(f"  fired after {watch.fired:5.1f} s  {_name(watch)}: {description}", flush=True)


def _end(cause: Cause, watches: list[Watch]) -> None:
    cause.end()
    for watch in watches:
        if watch.cause is cause:
            watch.ended = time.monotonic()


def _all_resolved(drill: DrillStack, watches: list[Watch]) -> bool:
    heard_of = [watch for watch in watches if not watch.silenced]
    for watch in heard_of:
        notice = drill.receiver.first("resolved", watch.labels, watch.begun)
        if watch.resolved is None and notice and watch.ended is not None:
            watch.resolved = notice.at - watch.ended
            print(f"  over {watch.resolved:5.1f} s after its cause  {_name(watch)}", flush=True)
    return all(watch.resolved is not None for watch in heard_of if watch.fired is not None)


def _is_unheard(drill: DrillStack, labels: Labels, start: float) -> bool:
    heard = drill.receiver.first("firing", labels, start) is not None
    print(f"  {'HEARD, and should not be' if heard else 'not heard, as it should be'}: {labels}")
    return not heard


def _report(watch: Watch) -> bool:
    missing = ""
    if watch.fired is None:
        missing = "did NOT fire"
    elif watch.resolved is None and not watch.silenced:
        missing = "is NOT over"
    if missing:
        print(f"  {_name(watch)} {missing} ({watch.cause.name})")
    return not missing


def _name(watch: Watch) -> str:
    rest = ", ".join(f"{key}={value}" for key, value in watch.labels.items() if key != "alertname")
    return f"{watch.labels['alertname']}({rest})"


def _wait(is_done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.5)
    return True


if __name__ == "__main__":
    sys.exit(main())
