"""What happened since a cursor, in pages: at least once each, on whichever server."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.feed import cursors, looks, transitions
from tradewind_airflow.feed.cursors import Cursor, Mark, Start
from tradewind_airflow.feed.looks import Horizon
from tradewind_airflow.feed.rows import RunRow
from tradewind_airflow.feed.told import Told, digest
from tradewind_airflow.feed.transitions import Transition
from tradewind_airflow.runs import names
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.events import WorkflowStatusChanged

SLACK = timedelta(minutes=5)
"""How long after the instant that it bears a past state may be written: a listener can stall the scheduler."""

MayRead = Callable[[str], bool]
Proof = tuple[RunRow, Sequence[Transition]]


@dataclass(frozen=True)
class Found:
    """What one look found: the proofs, and the cursor behind them. `room` is how many more runs may be told.

    `flips` are told whatever was told before: a run that is held no longer is queued again, as it was once.
    """

    proofs: Sequence[Proof]
    cursor: Cursor
    room: int
    flips: Sequence[Proof] = ()


class ChangeFeed:
    """Reads pages of changes; one per process. Its calls block, so they belong on a worker thread."""

    def __init__(self) -> None:
        self._told = Told()
        self._lock = threading.Lock()
        self._turns = threading.Lock()

    def page(self, text: str | None, limit: int, may_read: MayRead) -> ChangePage:
        """Return what happened since a cursor, of at most `limit` runs; None is from now on. Raises `CursorError`."""
        cursor = cursors.decode(text) if text else None
        with create_session(scoped=False) as session, nullcontext() if looks.is_postgres(session) else self._turns:
            return self._page(session, cursor, limit, may_read)

    def _page(self, session: Session, cursor: Cursor | None, limit: int, may_read: MayRead) -> ChangePage:
        horizon, paused = looks.horizon(session), looks.paused_dags(session)
        if cursor is None:
            return ChangePage(events=[], cursor=cursors.encode(self._from_now(horizon, paused)))
        found = _swept(session, cursor, horizon, limit)
        if found.room:
            found = self._flipped(session, found, paused)
        proofs, flips = _told_of(found.proofs, may_read), _told_of(found.flips, may_read)
        known = cursor.start.mark if horizon.knows(cursor.start.mark) else None
        seen = looks.seen(session, horizon) if proofs or flips else horizon.start.mark
        events = [*self._news(proofs, known, seen), *self._news(flips, None, seen)]
        # A changed row of a DAG that was paused meanwhile is found twice.
        once = {event.event_id: event for event in events}
        return ChangePage(events=list(once.values()), cursor=cursors.encode(found.cursor))

    def _from_now(self, horizon: Horizon, paused: frozenset[str]) -> Cursor:
        with self._lock:
            self._told.flipped("", paused)
        return Cursor(horizon.start, digest(paused))

    def _flipped(self, session: Session, found: Found, paused: frozenset[str]) -> Found:
        """Add the queued runs of the DAGs that were paused or unpaused since."""
        target, after = found.cursor.flip or (digest(paused), 0)
        if found.cursor.paused == target:
            return found
        with self._lock:
            dag_ids = self._told.flipped(found.cursor.paused, paused)
        return _with_flips(found, target, looks.queued(session, dag_ids, after, found.room + 1))

    def _news(self, proofs: Sequence[Proof], known: Mark | None, seen: Mark) -> list[WorkflowStatusChanged]:
        with self._lock:
            return [event for run, proven in proofs for event in self._untold(run, proven, known, seen)]

    def _untold(
        self, run: RunRow, proven: Sequence[Transition], known: Mark | None, seen: Mark
    ) -> list[WorkflowStatusChanged]:
        events = []
        for transition in proven:
            event_id = transitions.event_id(run, transition)
            if known is None or not self._told.is_told(event_id, known):
                events.append(transitions.event(run, transition))
            self._told.tell(event_id, seen)
        return events


def _told_of(proofs: Sequence[Proof], may_read: MayRead) -> list[Proof]:
    return [
        (run, proven)
        for run, proven in proofs
        if not run.is_internal and names.are_plain(run.dag_id, run.run_id) and may_read(run.dag_id)
    ]


def _swept(session: Session, cursor: Cursor, horizon: Horizon, limit: int) -> Found:
    start, since = cursor.start, cursor.start.floor - SLACK
    following = cursor.following or _later(start, horizon.start)
    rows = looks.changed(session, start, cursor.after, limit + 1, marked=horizon.knows(start.mark))
    asking = looks.asking(session, since).keys()
    complete = len(rows) <= limit
    rows = rows[:limit]
    others = looks.by_id(session, asking - {run.id for run in rows}) if complete else []
    questions = looks.questions(session, asking & {run.id for run in (*rows, *others)})
    proofs: list[Proof] = [
        (run, proven_since(transitions.transitions(run, questions.get(run.id, ())), since)) for run in rows
    ]
    for run in others:
        proven = transitions.transitions(run, questions.get(run.id, ()))
        proofs.append((run, [transition for transition in proven if transition.at >= since]))
    if complete:
        return Found(proofs, Cursor(following, cursor.paused, flip=cursor.flip), limit - len(rows))
    return Found(proofs, cursor.within(rows[-1].updated_at, rows[-1].id, following), 0)


def _later(start: Start, following: Start) -> Start:
    # A transaction that began before the floor, and was not writing at the look before, stamps later than that look.
    return Start(max(start.floor, following.floor), following.mark)


def proven_since(proven: Sequence[Transition], since: datetime) -> list[Transition]:
    """Return what a changed row may not have told yet: what happened since, and where the run is now in any case."""
    return [one for one in proven[:-1] if one.at >= since] + list(proven[-1:])


def _with_flips(found: Found, target: str, runs: Sequence[RunRow]) -> Found:
    told, start = runs[: found.room], found.cursor.start
    flips = [(run, transitions.transitions(run)[-1:]) for run in told]
    if len(runs) > found.room:
        return Found(found.proofs, Cursor(start, found.cursor.paused, flip=(target, told[-1].id)), 0, flips)
    return Found(found.proofs, Cursor(start, target), found.room - len(told), flips)
