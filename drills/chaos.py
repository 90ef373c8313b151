"""`make chaos [NAME=…] [SEED=…] [EVENTS=…]`: kill a part with SIGKILL while triggers of both types are in flight.

`api-server-batch` is another kind (`batch_chaos`); what follows is said of the others.

The caller behaves as the API guide asks: it repeats what got no clear answer, with the same `Idempotency-Key`.
Afterwards both databases are read: every trigger must have exactly one run, and every run must have ended.
"""

import argparse
import asyncio
import random
import sys
import time
from dataclasses import dataclass

from aiohttp import ClientSession

import batch_chaos
from callers import Caller, Trigger, triggers
from figures import Figures
from outcome import Outcome, outcome, run_states
from report import write_performance
from stack_under_test import StackUnderTest, running
from verdict import write_verdict

PARTS = {
    "facade": "api",
    "triggerer": "airflow-triggerer",
    "api-server": "airflow-api-server",
    "scheduler": "airflow-scheduler",
    "agents": "agents",
    "broker": "kafka",
    "postgres": "postgres",
}
SECONDS_TO_END = 480
SEND_SECONDS = 20


@dataclass(frozen=True)
class Scenario:
    """What is killed, when (by the seed), and how many triggers of each type are sent meanwhile."""

    name: str
    seed: int
    events: int

    def kill_at(self) -> list[float]:
        """Seconds after the first trigger: once early, once in the middle, once late in the stream."""
        chance = random.Random(self.seed)  # a fault's moment, no secret
        return [SEND_SECONDS * (third + chance.random()) / 3 for third in range(3)]


def main() -> int:
    """Run the scenarios one after the other on one stack; return 1 if any lost or doubled a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--name",
        nargs="+",
        default=[*PARTS, batch_chaos.NAME],
        choices=[*PARTS, batch_chaos.NAME],
        help="the parts to kill, in turn; all without it",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--events", type=int, default=200, help="triggers of each type")
    asked = parser.parse_args()
    verdicts = [batch_chaos.run(asked.seed, asked.events)] if batch_chaos.NAME in asked.name else []
    if on_stack := [name for name in asked.name if name in PARTS]:
        with running() as stack:
            verdicts += [asyncio.run(_scenario(stack, Scenario(name, asked.seed, asked.events))) for name in on_stack]
    write_performance()
    return 0 if all(verdicts) else 1


async def _scenario(stack: StackUnderTest, scenario: Scenario) -> bool:
    print(
        f"\n{scenario.name}: {scenario.events} triggers of each type, SIGKILL at "
        f"{', '.join(f'{when:.1f}' for when in scenario.kill_at())} s",
        flush=True,
    )
    asked, before = triggers(scenario.name, scenario.events), frozenset(run_states(stack))
    async with stack.http() as http:
        accepted, recovery = await asyncio.gather(_send(stack, http, asked), _kill(stack, scenario))
    found = await _wait(stack, accepted, before)
    figures: Figures = found.figures() | {"recovery_s": max(recovery)}
    write_verdict(scenario.name, scenario.seed, figures, passed=found.is_exactly_once())
    print(f"  {found}; recovered in {max(recovery):.1f} s: {'PASSED' if found.is_exactly_once() else 'FAILED'}")
    return found.is_exactly_once()


async def _send(stack: StackUnderTest, http: ClientSession, asked: list[Trigger]) -> dict[str, Trigger]:
    caller = Caller(http, stack.api_url, stack.api_headers)
    pause = SEND_SECONDS / len(asked)
    tasks = []
    for trigger in asked:
        tasks.append(asyncio.create_task(caller.send(trigger)))
        await asyncio.sleep(pause)
    return dict(zip(await asyncio.gather(*tasks), asked, strict=True))


async def _kill(stack: StackUnderTest, scenario: Scenario) -> list[float]:
    start, part = time.monotonic(), PARTS[scenario.name]
    recovery = []
    for when in scenario.kill_at():
        await asyncio.sleep(max(0.0, start + when - time.monotonic()))
        await asyncio.to_thread(stack.stack.kill, part)
        killed = time.monotonic()
        await asyncio.to_thread(stack.stack.wait_ready, part, 120)
        recovery.append(time.monotonic() - killed)
    return recovery


async def _wait(stack: StackUnderTest, accepted: dict[str, Trigger], before: frozenset[str]) -> Outcome:
    deadline = time.monotonic() + SECONDS_TO_END
    while True:
        states = await asyncio.to_thread(run_states, stack)
        found = outcome({run_id: state for run_id, state in states.items() if run_id not in before}, accepted)
        if found.is_complete() or time.monotonic() > deadline:
            return found
        print(f"  {found}", flush=True)
        await asyncio.sleep(5)


if __name__ == "__main__":
    sys.exit(main())
