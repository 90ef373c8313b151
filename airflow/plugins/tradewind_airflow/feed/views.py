"""A watched run as its listeners see it: immutable, made once, shared by all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tradewind_airflow.feed import transitions
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.transitions import Transition


@dataclass(frozen=True)
class View:
    """What one look knew of a run. `row` is None when the run is gone."""

    row: RunRow | None
    questions: tuple[Question, ...] = ()
    progress: float = 0.0

    @cached_property
    def transitions(self) -> list[Transition]:
        """What the row proves."""
        return transitions.transitions(self.row, self.questions) if self.row else []

    @cached_property
    def event_ids(self) -> list[str]:
        """The ids of the events of its transitions."""
        return [transitions.event_id(self.row, one) for one in self.transitions] if self.row else []

    def document(self, place: int) -> str:
        """The event of a transition as JSON: made once, however many clients it is sent to, and not before."""
        if place not in self._documents and self.row:
            self._documents[place] = transitions.event(self.row, self.transitions[place]).model_dump_json()
        return self._documents[place]

    @cached_property
    def _documents(self) -> dict[int, str]:
        return {}

    @cached_property
    def has_ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.row is None or (bool(self.transitions) and self.transitions[-1].status.is_terminal)

    @cached_property
    def said(self) -> tuple[object, ...]:
        """What a listener learns from it: two views that say the same wake nobody."""
        return (self.row is None, self.row and self.row.clear_number, self.transitions, self.progress)


def unsent(event_ids: Sequence[str], last_id: str | None) -> int:
    """Return the place of the first event behind the one that a listener had last.

    It is the first of all where the run was cleared since, or its DAG paused or unpaused.
    """
    return event_ids.index(last_id) + 1 if last_id in event_ids else 0
