"""`api-server-batch`: API servers are killed inside of batches, 100 times; the caller repeats each batch elsewhere.

No scheduler runs: what counts is that each item has one run, with all its task instances and one audit row.
"""

from contextlib import ExitStack

from airflow_alone import AirflowAlone, prepared
from support.batch_kills import BatchKills, Found, Tally
from verdict import write_verdict

NAME = "api-server-batch"
KILLS = 100
SERVERS = 3
PARAMETERS: dict[str, dict[str, object]] = {
    "tasks_1": {"message": "chaos"},
    "tasks_50": {"message": "chaos"},
    "mapped": {},
}
TASKS = {"tasks_1": 1, "tasks_50": 50, "mapped": 2}


def run(seed: int, events: int) -> bool:
    """Write the verdict; return whether nothing was lost or doubled. `events`: items of a batch, up to 500."""
    with prepared() as alone:
        return _kills(alone, seed, min(events, 500))


def _kills(alone: AirflowAlone, seed: int, size: int) -> bool:
    print(f"\n{NAME}: batches of {size}, SIGKILL inside of {KILLS} of them", flush=True)
    with ExitStack() as stack:
        servers = [stack.enter_context(alone.server(f"server-{number}")) for number in range(SERVERS)]
        kills = BatchKills(servers, PARAMETERS, size, seed)
        tally = kills.run(KILLS, lambda: _told(kills.tally))
        found = kills.found(TASKS)
    return _judged(tally, found, seed)


def _told(tally: Tally) -> None:
    if tally.kills and tally.kills % 10 == 0:
        print(f"  {tally.kills} kills, {tally.after_commit} of them after the commit", flush=True)


def _judged(tally: Tally, found: Found, seed: int) -> bool:
    items = len(tally.asked)
    figures = {
        "accepted": items,
        "lost": found.lost,
        "twice": found.twice,
        "succeeded": found.whole,
        "failed": items - found.lost - found.whole,
        "recovery_s": tally.slowest_recovery,
        "kills": tally.kills,
        "kills_after_commit": tally.after_commit,
    }
    passed = found == Found(lost=0, twice=0, whole=items)
    write_verdict(NAME, seed, {name: float(value) for name, value in figures.items()}, passed=passed)
    print(f"  {found} of {items} items: {'PASSED' if passed else 'FAILED'}", flush=True)
    return passed
