"""A watched run as its clients see it: immutable, computed once, shared by all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tradewind_airflow.feed import transitions
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.transitions import Transition


@dataclass(frozen=True)
class RunView:
    """A run as of one poll. `row` is None when the run has been deleted."""

    row: RunRow | None
    questions: tuple[Question, ...] = ()
    progress: float = 0.0

    @cached_property
    def transitions(self) -> list[Transition]:
        """The transitions that the row proves."""
        return transitions.transitions(self.row, self.questions) if self.row else []

    @cached_property
    def event_ids(self) -> list[str]:
        """The ids of its transitions' events."""
        return [transitions.event_id(self.row, one) for one in self.transitions] if self.row else []

    def document(self, index: int) -> str:
        """The event of a transition as JSON, serialized lazily and once for all clients."""
        if index not in self._documents and self.row:
            self._documents[index] = transitions.event(self.row, self.transitions[index]).model_dump_json()
        return self._documents[index]

    @cached_property
    def _documents(self) -> dict[int, str]:
        return {}

    @cached_property
    def has_ended(self) -> bool:
        """Whether the run is in a terminal state or deleted."""
        return self.row is None or (bool(self.transitions) and self.transitions[-1].status.is_terminal)

    @cached_property
    def visible(self) -> tuple[object, ...]:
        """What clients see of it: a view that is equal in this wakes no one."""
        return (self.row is None, self.row and self.row.clear_number, self.transitions, self.progress)


def unsent(event_ids: Sequence[str], last_id: str | None) -> int:
    """Return the index of the first event after the one that a client received last.

    It is 0 if the run was cleared since, or its DAG paused or unpaused.
    """
    return event_ids.index(last_id) + 1 if last_id in event_ids else 0
