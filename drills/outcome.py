"""What became of the triggers, read from the two databases that hold the runs."""

from collections import Counter
from dataclasses import dataclass
from typing import LiteralString

import psycopg

from callers import Trigger
from figures import Figures
from stack_under_test import StackUnderTest

ENDED = frozenset({"success", "succeeded"})
FAILED = frozenset({"failed", "cancelled"})


@dataclass(frozen=True)
class Outcome:
    """How many triggers were accepted, and the states of their runs; `twice` counts runs beyond one for a trigger."""

    accepted: int
    lost: int
    twice: int
    succeeded: int
    failed: int

    def is_complete(self) -> bool:
        """Whether every trigger's run has ended."""
        return self.succeeded + self.failed >= self.accepted

    def is_exactly_once(self) -> bool:
        """Whether every trigger has one run, and every run ended well."""
        return self.lost == self.twice == self.failed == 0 and self.succeeded == self.accepted

    def figures(self) -> Figures:
        """The counts, as figures."""
        return {name: float(value) for name, value in vars(self).items()}

    def __str__(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in vars(self).items())


def run_states(stack: StackUnderTest) -> dict[str, str]:
    """Return every run of both databases with its state."""
    return _rows(stack.airflow_database, "SELECT run_id, state FROM dag_run WHERE dag_id = 'example_workflow'") | _rows(
        stack.agents_database, "SELECT run_id, status FROM agent_run"
    )


def outcome(states: dict[str, str], accepted: dict[str, Trigger]) -> Outcome:
    """Compare the runs that a scenario made with the triggers that were accepted.

    A run's id is unique where it lives, so a trigger that ran twice shows as a run whose id is no trigger's.
    """
    counts = Counter(state for run_id, state in states.items() if run_id in accepted)
    return Outcome(
        accepted=len(accepted),
        lost=sum(run_id not in states for run_id in accepted),
        twice=sum(run_id not in accepted for run_id in states),
        succeeded=sum(counts[state] for state in ENDED),
        failed=sum(counts[state] for state in FAILED),
    )


def _rows(database: str, query: LiteralString) -> dict[str, str]:
    with psycopg.connect(database) as connection:
        return dict(connection.execute(query).fetchall())
