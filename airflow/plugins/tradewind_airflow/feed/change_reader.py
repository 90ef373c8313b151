"""Polls the database on behalf of every waiting client of this process: what changed since the last poll."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.feed import queries
from tradewind_airflow.feed.cursors import Start
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.run_view import RunView
from tradewind_airflow.runs.read import task_counts

ANSWERS = timedelta(minutes=5)
"""How long an answer to a question is read again: the update of its task's row follows it."""


@dataclass(frozen=True)
class PollRequest:
    """What a poll reads: the watched rows, those of them not read yet, and whether to read all of them again."""

    watched: frozenset[int]
    fresh: frozenset[int]
    thorough: bool
    anything: bool
    """Whether a client waits for any change at all."""


@dataclass(frozen=True)
class PollResult:
    """What a poll found. Rows in `read` that are not in `rows` have been deleted."""

    rows: Mapping[int, RunRow]
    read: frozenset[int]
    questions: Mapping[int, Sequence[Question]]
    progress: Mapping[int, float]
    paused: frozenset[str]
    any_change: bool
    """Whether anything changed anywhere."""


@dataclass
class ChangeReader:
    """Reads changes and remembers where the next poll begins. Blocks; not thread-safe."""

    _start: Start | None = None
    _before: tuple[Any, ...] = field(default=())

    def reset(self) -> None:
        """Start over: no client has been waiting for a while."""
        self._start, self._before = None, ()

    def poll(self, request: PollRequest) -> PollResult:
        """Return what changed; after an error the next poll covers the same time again."""
        with create_session(scoped=False) as session:
            return self._poll(session, request)

    def _poll(self, session: Session, request: PollRequest) -> PollResult:
        horizon, paused = queries.horizon(session), queries.paused_dags(session)
        start = self._start or horizon.start
        comparable = horizon.can_compare(start.point)
        read = request.watched if request.thorough or self._start is None else request.fresh
        rows = [
            *queries.by_id(session, read),
            *queries.changed_among(session, start, request.watched - read, comparable=comparable),
        ]
        pending_input = queries.pending_input(session, start.floor - ANSWERS)
        counts = task_counts.counted(session, read)
        state = (paused, pending_input)
        changed = request.anything and bool(queries.changed(session, start, None, 1, comparable=comparable))
        result = PollResult(
            rows={row.id: row for row in rows},
            read=read,
            questions=_questions(session, request.watched & pending_input.keys()),
            progress={row_id: count.progress for row_id, count in counts.items()},
            paused=paused,
            any_change=changed or state != self._before,
        )
        floor = max(start.floor, horizon.start.floor)
        self._start, self._before = Start(floor, horizon.start.point), state
        return result


def _questions(session: Session, row_ids: frozenset[int]) -> dict[int, list[Question]]:
    found = queries.questions(session, row_ids)
    return {row_id: found.get(row_id, []) for row_id in row_ids}


def updated_view(before: RunView | None, row_id: int, result: PollResult) -> RunView | None:
    """Return a run's view after a poll: the same object if nothing changed, None until a poll has read the run."""
    row = result.rows.get(row_id)
    if row is None and row_id in result.read:
        return RunView(None)
    row = row or (before.row if before else None)
    if row is None:
        return before
    known = before or RunView(row)
    is_paused = row.dag_id in result.paused
    row = row if row.is_paused == is_paused else replace(row, is_paused=is_paused)
    questions = tuple(result.questions.get(row_id, known.questions))
    view = RunView(row, questions, result.progress.get(row_id, known.progress))
    return before if view == before else view
