"""The change feed: status changes of all runs in pages behind a cursor; at least once each, on any server."""

import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.feed import cursors, queries, transitions
from tradewind_airflow.feed.cursors import CommitPoint, Cursor, Start
from tradewind_airflow.feed.queries import Horizon
from tradewind_airflow.feed.rows import RunRow
from tradewind_airflow.feed.sent_events import SentEvents, digest
from tradewind_airflow.feed.transitions import Transition
from tradewind_airflow.runs import names
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.events import WorkflowStatusChanged

SLACK = timedelta(minutes=5)
"""How long after its timestamp a past state may be written: a listener can stall the scheduler."""

MayRead = Callable[[str], bool]
RunTransitions = tuple[RunRow, Sequence[Transition]]


@dataclass(frozen=True)
class Sweep:
    """What one read found, and the cursor after it. `room` is how many more runs fit on the page.

    `toggled` are reported even if they were before: a run that is no longer held is queued again, as it was once.
    """

    changed: Sequence[RunTransitions]
    cursor: Cursor
    room: int
    toggled: Sequence[RunTransitions] = ()


class ChangeFeed:
    """Reads pages of changes; one per process. Its calls block, so they belong on a worker thread."""

    def __init__(self) -> None:
        self._sent = SentEvents()
        self._lock = threading.Lock()
        self._serial = threading.Lock()

    def page(self, text: str | None, limit: int, may_read: MayRead) -> ChangePage:
        """Return what happened since a cursor, for at most `limit` runs; None is from now on. Raises `CursorError`."""
        cursor = cursors.decode(text) if text else None
        with create_session(scoped=False) as session, nullcontext() if queries.is_postgres(session) else self._serial:
            return self._page(session, cursor, limit, may_read)

    def _page(self, session: Session, cursor: Cursor | None, limit: int, may_read: MayRead) -> ChangePage:
        horizon, paused = queries.horizon(session), queries.paused_dags(session)
        if cursor is None:
            return ChangePage(events=[], cursor=cursors.encode(self._from_now(horizon, paused)))
        sweep = _sweep(session, cursor, horizon, limit)
        if sweep.room:
            sweep = self._with_toggled(session, sweep, paused)
        changed, toggled = _readable(sweep.changed, may_read), _readable(sweep.toggled, may_read)
        known = cursor.start.point if horizon.can_compare(cursor.start.point) else None
        seen = queries.after_read(session, horizon) if changed or toggled else horizon.start.point
        events = [*self._events(changed, known, seen), *self._events(toggled, None, seen)]
        # A changed row of a DAG that was paused meanwhile is found twice.
        unique = {event.event_id: event for event in events}
        return ChangePage(events=list(unique.values()), cursor=cursors.encode(sweep.cursor))

    def _from_now(self, horizon: Horizon, paused: frozenset[str]) -> Cursor:
        with self._lock:
            self._sent.toggled("", paused)
        return Cursor(horizon.start, digest(paused))

    def _with_toggled(self, session: Session, sweep: Sweep, paused: frozenset[str]) -> Sweep:
        """Add the queued runs of the DAGs that were paused or unpaused since."""
        target, after = sweep.cursor.flip or (digest(paused), 0)
        if sweep.cursor.paused == target:
            return sweep
        with self._lock:
            dag_ids = self._sent.toggled(sweep.cursor.paused, paused)
        return _add_toggled(sweep, target, queries.queued(session, dag_ids, after, sweep.room + 1))

    def _events(
        self, changes: Sequence[RunTransitions], known: CommitPoint | None, seen: CommitPoint
    ) -> list[WorkflowStatusChanged]:
        with self._lock:
            return [event for run, proven in changes for event in self._unsent(run, proven, known, seen)]

    def _unsent(
        self, run: RunRow, proven: Sequence[Transition], known: CommitPoint | None, seen: CommitPoint
    ) -> list[WorkflowStatusChanged]:
        events = []
        for transition in proven:
            event_id = transitions.event_id(run, transition)
            if known is None or not self._sent.was_sent_before(event_id, known):
                events.append(transitions.event(run, transition))
            self._sent.add(event_id, seen)
        return events


def _readable(changes: Sequence[RunTransitions], may_read: MayRead) -> list[RunTransitions]:
    return [
        (run, proven)
        for run, proven in changes
        if not run.is_internal and names.are_plain(run.dag_id, run.run_id) and may_read(run.dag_id)
    ]


def _sweep(session: Session, cursor: Cursor, horizon: Horizon, limit: int) -> Sweep:
    start, since = cursor.start, cursor.start.floor - SLACK
    following = cursor.following or _later(start, horizon.start)
    rows = queries.changed(session, start, cursor.after, limit + 1, comparable=horizon.can_compare(start.point))
    pending_input = queries.pending_input(session, since).keys()
    complete = len(rows) <= limit
    rows = rows[:limit]
    others = queries.by_id(session, pending_input - {run.id for run in rows}) if complete else []
    questions = queries.questions(session, pending_input & {run.id for run in (*rows, *others)})
    changes: list[RunTransitions] = [
        (run, proven_since(transitions.transitions(run, questions.get(run.id, ())), since)) for run in rows
    ]
    for run in others:
        proven = transitions.transitions(run, questions.get(run.id, ()))
        changes.append((run, [transition for transition in proven if transition.at >= since]))
    if complete:
        return Sweep(changes, Cursor(following, cursor.paused, flip=cursor.flip), limit - len(rows))
    return Sweep(changes, cursor.in_sweep(rows[-1].updated_at, rows[-1].id, following), 0)


def _later(start: Start, following: Start) -> Start:
    # A transaction that began before the floor, and was not writing at the last read, sets a timestamp after that read.
    return Start(max(start.floor, following.floor), following.point)


def proven_since(proven: Sequence[Transition], since: datetime) -> list[Transition]:
    """Return the transitions of a changed row that may be unreported: those since then, and always the latest."""
    return [one for one in proven[:-1] if one.at >= since] + list(proven[-1:])


def _add_toggled(sweep: Sweep, target: str, runs: Sequence[RunRow]) -> Sweep:
    fitting, start = runs[: sweep.room], sweep.cursor.start
    toggled = [(run, transitions.transitions(run)[-1:]) for run in fitting]
    if len(runs) > sweep.room:
        return Sweep(sweep.changed, Cursor(start, sweep.cursor.paused, flip=(target, fitting[-1].id)), 0, toggled)
    return Sweep(sweep.changed, Cursor(start, target), sweep.room - len(fitting), toggled)
