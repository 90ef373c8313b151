"""The feed's queries: what changed, read from committed rows alone.

Every change of a run sets `dag_run.updated_at` (SQLAlchemy's `onupdate`, for bare UPDATEs as well). But a transaction
may commit long after that timestamp: so a read begins where the oldest open transaction that has written `dag_run`
began (`horizon`), and on Postgres it then takes only rows whose own transaction had not finished at the previous read
(`xmin`).
"""

import itertools
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVarTuple

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import Row, Select, and_, bindparam, or_, select, text
from sqlalchemy.orm import Session

from tradewind_airflow.feed.cursors import CommitPoint, Start
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.runs.dags import is_internal
from tradewind_airflow.runs.envelope import RESERVED_KEY
from tradewind_airflow.runs.run_states import HUMAN_STATES

Columns = TypeVarTuple("Columns")

POSTGRES = "pg"
CLOCK_SKEW = timedelta(seconds=10)
"""How far the clocks of Airflow's machines and the database may differ, and a timestamp from its write."""
OVERLAP = timedelta(seconds=60)
"""How long a transaction may stay open after its timestamp, where the database does not show it (SQLite, MySQL)."""
UNKNOWN_AGE = timedelta(minutes=10)
"""The same for a transaction of a Postgres user whose transactions we may not see."""
XIDS = 2**32
HALF = 2**31 - 10_000_000
"""Postgres compares transaction ids modulo 2**32: ids further apart than this cannot be compared."""

_PROCESS = uuid.uuid4().hex[:8]
_READS = itertools.count(1)

_HORIZON = text(
    "SELECT clock_timestamp() AS now,"
    " CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) AS oldest,"
    " CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS next,"
    " (SELECT min(coalesce(a.xact_start, clock_timestamp() - make_interval(secs => :unknown_age)))"
    "  FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid AND a.datid = l.database"
    "  WHERE l.locktype = 'relation' AND l.mode = 'RowExclusiveLock' AND l.pid <> pg_backend_pid()"
    "  AND a.datname = current_database() AND l.relation = to_regclass(:dag_run)) AS writing_since"
).bindparams(unknown_age=UNKNOWN_AGE.total_seconds(), dag_run=DagRun.__table__.fullname)

_NEXT = text("SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint)")


@dataclass(frozen=True)
class Horizon:
    """Where the next read has to begin; determined before this read's rows.

    `newest` bounds the commit points that can be compared with `start`.
    """

    start: Start
    newest: int

    def can_compare(self, point: CommitPoint) -> bool:
        """Whether a cursor's commit point is of this database's transactions, or of this process's reads."""
        return point.scope == self.start.point.scope and 0 <= self.newest - point.number < HALF


def horizon(session: Session) -> Horizon:
    """Return the horizon of a read that begins now, as the first statement of the session's transaction."""
    if is_postgres(session):
        # Each statement has to see what was committed before it: a snapshot older than the list of open transactions
        # would miss what is committed between the two.
        session.connection(execution_options={"isolation_level": "READ COMMITTED"})
        row = session.execute(_HORIZON).one()
        since = min(row.writing_since or row.now, row.now)
        return Horizon(Start(since - CLOCK_SKEW, CommitPoint(POSTGRES, row.oldest)), row.next)
    number = next(_READS)
    return Horizon(Start(datetime.now(UTC) - OVERLAP, CommitPoint(_PROCESS, number)), number)


def after_read(session: Session, horizon: Horizon) -> CommitPoint:
    """Return a commit point after everything that this read saw; determined after its rows."""
    if is_postgres(session):
        return CommitPoint(POSTGRES, session.execute(_NEXT).scalar_one())
    # Reads are serialized there (`change_feed`), so that the next one sees whatever this one saw.
    return horizon.start.point


def is_postgres(session: Session) -> bool:
    """Whether the database can tell which transactions are open."""
    return session.get_bind().dialect.name == "postgresql"


def changed(
    session: Session, start: Start, after: tuple[datetime, int] | None, limit: int, *, comparable: bool
) -> list[RunRow]:
    """Return rows written since `start` and behind `after`, in the order (updated_at, id).

    With `comparable`, those committed before the start's commit point are left out, where the database can tell.
    """
    updated_at, row_id = after or (start.floor, -1)
    values: dict[str, Any] = {"updated_at": updated_at, "row_id": row_id, "most": limit}
    by_commit = comparable and is_postgres(session)
    if by_commit:
        values["reach"] = str(start.point.number % XIDS)
    return [run_row(row) for row in session.execute(_changed(by_commit=by_commit), values)]


@cache
def _changed(*, by_commit: bool) -> Select[*tuple[Any, ...]]:
    # The limit comes before the joins, so that the planner always scans the index on `updated_at`.
    page = (
        _since(select(DagRun.id, DagRun.updated_at), by_commit=by_commit)
        .where(or_(DagRun.updated_at > bindparam("updated_at"), DagRun.id > bindparam("row_id")))
        .order_by(DagRun.updated_at, DagRun.id)
        .limit(bindparam("most"))
        .subquery()
    )
    return run_rows().join(page, page.c.id == DagRun.id).order_by(page.c.updated_at, page.c.id)


def changed_among(session: Session, start: Start, row_ids: Collection[int], *, comparable: bool) -> list[RunRow]:
    """Return which of some rows were written since `start`, as `changed` does."""
    if not row_ids:
        return []
    values: dict[str, Any] = {"updated_at": start.floor, "row_ids": list(row_ids)}
    by_commit = comparable and is_postgres(session)
    if by_commit:
        values["reach"] = str(start.point.number % XIDS)
    return [run_row(row) for row in session.execute(_changed_among(by_commit=by_commit), values)]


@cache
def _changed_among(*, by_commit: bool) -> Select[*tuple[Any, ...]]:
    return _since(run_rows(), by_commit=by_commit).where(DagRun.id.in_(bindparam("row_ids", expanding=True)))


def _since(query: Select[*Columns], *, by_commit: bool) -> Select[*Columns]:
    query = query.where(DagRun.updated_at >= bindparam("updated_at"))
    newer = text("age(dag_run.xmin) <= age(CAST(CAST(:reach AS text) AS xid))")
    return query.where(newer) if by_commit else query


def run_rows() -> Select[*tuple[Any, ...]]:
    """Return the query for rows of runs, to be filtered."""
    return select(
        DagRun.id,
        DagRun.dag_id,
        DagRun.run_id,
        DagRun.state,
        DagRun.clear_number,
        DagRun.queued_at,
        DagRun.start_date,
        DagRun.end_date,
        DagRun.updated_at,
        DagModel.is_paused,
        is_internal(DagRun.dag_id).label("is_internal"),
        DagRun.conf[RESERVED_KEY].label("envelope"),
    ).outerjoin(DagModel, DagModel.dag_id == DagRun.dag_id)


def run_row(row: Row[Any]) -> RunRow:
    """Return the model of a row of `run_rows`."""
    values = row._asdict()
    values |= {"is_paused": bool(row.is_paused), "is_internal": bool(row.is_internal)}
    values["state"] = str(row.state)
    values["updated_at"] = row.updated_at or row.end_date or row.start_date or row.queued_at
    values["envelope"] = row.envelope if isinstance(row.envelope, dict) else None
    return RunRow(**values)


def pending_input(session: Session, since: datetime) -> dict[int, frozenset[tuple[Any, ...]]]:
    """Return the runs that wait for human input, or got it since an instant: row id -> each request's state."""
    found: dict[int, set[tuple[Any, ...]]] = {}
    for row in session.execute(_pending_input(), {"since": since}):
        found.setdefault(row.id, set()).add(tuple(row)[1:])
    return {row_id: frozenset(states) for row_id, states in found.items()}


@cache
def _pending_input() -> Select[*tuple[Any, ...]]:
    return (
        select(DagRun.id, HITLDetail.ti_id, HITLDetail.created_at, HITLDetail.responded_at, TaskInstance.state)
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(or_(HITLDetail.responded_at.is_(None), HITLDetail.responded_at >= bindparam("since")))
    )


def by_id(session: Session, row_ids: Collection[int]) -> list[RunRow]:
    """Return rows by primary key, in order of id."""
    if not row_ids:
        return []
    return [run_row(row) for row in session.execute(_by_id(), {"row_ids": list(row_ids)})]


@cache
def _by_id() -> Select[*tuple[Any, ...]]:
    return run_rows().where(DagRun.id.in_(bindparam("row_ids", expanding=True))).order_by(DagRun.id)


def questions(session: Session, row_ids: Collection[int]) -> dict[int, list[Question]]:
    """Return the runs' requests for human input, by row id; an open one only while its task waits for the answer."""
    if not row_ids:
        return {}
    found: dict[int, list[Question]] = {}
    for row in session.execute(_questions(), {"row_ids": list(row_ids)}):
        requested_at = max(row.created_at, row.start_date or row.created_at)
        answered_at = max(row.responded_at, requested_at) if row.responded_at else None
        found.setdefault(row.id, []).append(Question(requested_at, answered_at))
    return found


@cache
def _questions() -> Select[*tuple[Any, ...]]:
    return (
        select(DagRun.id, HITLDetail.created_at, HITLDetail.responded_at, TaskInstance.start_date)
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
        .where(
            DagRun.id.in_(bindparam("row_ids", expanding=True)),
            or_(HITLDetail.responded_at.is_not(None), TaskInstance.state.in_(HUMAN_STATES)),
        )
    )


def paused_dags(session: Session) -> frozenset[str]:
    """Return the paused DAGs."""
    return frozenset(session.scalars(_paused()))


@cache
def _paused() -> Select[str]:
    return select(DagModel.dag_id).where(DagModel.is_paused.is_(True))


def queued(session: Session, dag_ids: Collection[str] | None, after: int, limit: int) -> list[RunRow]:
    """Return queued runs after the row id `after`, of some DAGs or (None) of all."""
    query = _queued(every=dag_ids is None)
    values = {"after": after, "most": limit} | ({} if dag_ids is None else {"dag_ids": list(dag_ids)})
    return [run_row(row) for row in session.execute(query, values)]


@cache
def _queued(*, every: bool) -> Select[*tuple[Any, ...]]:
    query = (
        run_rows()
        .where(DagRun.state == DagRunState.QUEUED, DagRun.id > bindparam("after"))
        .order_by(DagRun.id)
        .limit(bindparam("most"))
    )
    return query if every else query.where(DagRun.dag_id.in_(bindparam("dag_ids", expanding=True)))
