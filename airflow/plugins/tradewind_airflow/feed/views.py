"""A watched run as its listeners see it: immutable, made once, shared by all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from tradewind_airflow.feed import transitions
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.transitions import Transition
from tradewind_contracts.events import WorkflowStatusChanged


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
    def events(self) -> list[WorkflowStatusChanged]:
        """The same as events."""
        return [transitions.event(self.row, one) for one in self.transitions] if self.row else []

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.row is None or (bool(self.transitions) and self.transitions[-1].status.is_terminal)

    @cached_property
    def said(self) -> tuple[object, ...]:
        """What a listener learns from it: two views that say the same wake nobody."""
        return (self.row is None, self.row and self.row.clear_number, self.transitions, self.progress)


def unsent(events: Sequence[WorkflowStatusChanged], last_id: str | None) -> list[WorkflowStatusChanged]:
    """Return the events behind the one that a listener had last; all, where the run was cleared since, or flipped."""
    ids = [event.event_id for event in events]
    return list(events[ids.index(last_id) + 1 :] if last_id in ids else events)
