"""One look at the database for all who watch in this process: what changed since the look before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.feed import looks
from tradewind_airflow.feed.cursors import Start
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.views import View
from tradewind_airflow.runs.read import task_counts

ANSWERS = timedelta(minutes=5)
"""How long an answer to a question is read again: its task's row follows it."""


@dataclass(frozen=True)
class Wanted:
    """What a look is for: watched rows, those of them that nobody has read yet, and whether to read each one anew."""

    watched: frozenset[int]
    fresh: frozenset[int]
    thorough: bool
    anything: bool
    """Whether somebody waits for any change at all."""


@dataclass(frozen=True)
class Look:
    """What was found. Of `read` rows, those that are not among `rows` are gone."""

    rows: Mapping[int, RunRow]
    read: frozenset[int]
    questions: Mapping[int, Sequence[Question]]
    progress: Mapping[int, float]
    paused: frozenset[str]
    news: bool
    """Whether anything changed anywhere."""


@dataclass
class Looker:
    """Looks, and remembers where the next look begins. Blocks; one call at a time."""

    _start: Start | None = None
    _before: tuple[Any, ...] = field(default=())

    def forget(self) -> None:
        """Begin anew: nobody has listened for a while."""
        self._start, self._before = None, ()

    def look(self, wanted: Wanted) -> Look:
        """Return what changed; after an error the next look covers the same time again."""
        with create_session(scoped=False) as session:
            return self._look(session, wanted)

    def _look(self, session: Session, wanted: Wanted) -> Look:
        horizon, paused = looks.horizon(session), looks.paused_dags(session)
        start = self._start or horizon.start
        marked = horizon.knows(start.mark)
        read = wanted.watched if wanted.thorough or self._start is None else wanted.fresh
        rows = [
            *looks.by_id(session, read),
            *looks.changed_among(session, start, wanted.watched - read, marked=marked),
        ]
        asking = looks.asking(session, start.floor - ANSWERS)
        counts = task_counts.counted(session, read)
        stands = (paused, asking)
        changed = wanted.anything and bool(looks.changed(session, start, None, 1, marked=marked))
        found = Look(
            rows={row.id: row for row in rows},
            read=read,
            questions=_questions(session, wanted.watched & asking.keys()),
            progress={row_id: count.progress for row_id, count in counts.items()},
            paused=paused,
            news=changed or stands != self._before,
        )
        floor = max(start.floor, horizon.start.floor)
        self._start, self._before = Start(floor, horizon.start.mark), stands
        return found


def _questions(session: Session, row_ids: frozenset[int]) -> dict[int, list[Question]]:
    found = looks.questions(session, row_ids)
    return {row_id: found.get(row_id, []) for row_id in row_ids}


def seen(before: View | None, row_id: int, look: Look) -> View | None:
    """Return the run as it is after a look: the same object where nothing is new, None while no look has read it."""
    row = look.rows.get(row_id)
    if row is None and row_id in look.read:
        return View(None)
    row = row or (before.row if before else None)
    if row is None:
        return before
    known = before or View(row)
    is_paused = row.dag_id in look.paused
    row = row if row.is_paused == is_paused else replace(row, is_paused=is_paused)
    questions = tuple(look.questions.get(row_id, known.questions))
    view = View(row, questions, look.progress.get(row_id, known.progress))
    return before if view == before else view
