"""Which runs are asked for, and the statement that finds a page of them, newest first.

"Newest" goes by `dag_run.id`: it never changes, and new runs get higher ones, so pages stay whole whatever is created
or prioritized in between. A page costs an index walk; see `docs/performance.md` for a million runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    exists,
    false,
    func,
    or_,
    select,
    true,
    union_all,
)

from tradewind_airflow.runs.envelope import RESERVED_KEY
from tradewind_airflow.runs.read.task_counts import HUMAN_STATES
from tradewind_contracts.workflows import RunStatus

BRANCHES = 20
"""Up to so many DAGs are walked side by side, each by its own index; more are picked from one walk over all runs."""


@dataclass(frozen=True)
class RunFilter:
    """What a listed run fits: each part that is given. Ids are the table's own, and bound the walk."""

    statuses: frozenset[RunStatus] = frozenset()
    run_ids: frozenset[str] | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    first_id: int | None = None
    end_id: int | None = None


def page(wanted: RunFilter, dags: Mapping[str, bool], size: int) -> Select[Any]:
    """Return the statement for the newest `size` runs that fit, of these DAGs: id -> whether it is paused.

    No other table is joined: with an estimate of what a join leaves, Postgres may give up the walk and sort all runs.
    """
    runs = _runs().where(*_conditions(wanted, [dag_id for dag_id, paused in sorted(dags.items()) if paused]))
    if len(dags) > BRANCHES:
        return _newest(runs.where(DagRun.dag_id.in_(sorted(dags))), DagRun.id, size)
    # One bounded walk for each DAG: a DAG with few runs is never looked for among those of the others.
    walks = [_newest(runs.where(DagRun.dag_id == dag_id), DagRun.id, size) for dag_id in sorted(dags)]
    if len(walks) == 1:
        return walks[0]
    together = union_all(*(select(walk.subquery()) for walk in walks)).subquery()
    return _newest(select(together), together.c.id, size)


def _newest(runs: Select[Any], row_id: Any, size: int) -> Select[Any]:
    return runs.order_by(row_id.desc()).limit(size)


def _runs() -> Select[Any]:
    envelope = DagRun.conf[RESERVED_KEY].label("envelope")
    times = DagRun.start_date, DagRun.end_date
    query: Select[Any] = select(
        DagRun.id, DagRun.dag_id, DagRun.run_id, DagRun.state.label("state"), DagRun.clear_number, *times, envelope
    )
    return query


def _conditions(wanted: RunFilter, paused: Collection[str]) -> list[ColumnElement[bool]]:
    given = [
        DagRun.id >= wanted.first_id if wanted.first_id is not None else None,
        DagRun.id < wanted.end_id if wanted.end_id is not None else None,
        DagRun.created_at >= wanted.created_after if wanted.created_after else None,
        # Runs from before Airflow 3.2 have no `created_at`, and were there before any time one would ask for.
        or_(DagRun.created_at < wanted.created_before, DagRun.created_at.is_(None)) if wanted.created_before else None,
        DagRun.run_id.in_(wanted.run_ids) if wanted.run_ids is not None else None,
    ]
    return [*(part for part in given if part is not None), *_status_conditions(wanted.statuses, paused)]


def _status_conditions(statuses: Collection[RunStatus], paused: Collection[str]) -> list[ColumnElement[bool]]:
    if not statuses:
        return []
    meanings = _meanings(paused)
    meant = [meanings[status] for status in sorted(statuses) if status in meanings]
    # The states stand alone as well, so that an index on them can be used.
    states = DagRun.state.in_(sorted({state for state, _ in meant}))
    return [states, or_(false(), *(and_(DagRun.state == state, detail) for state, detail in meant))]


def _meanings(paused: Collection[str]) -> Mapping[RunStatus, tuple[DagRunState, ColumnElement[bool]]]:
    """What each status word means in Airflow's tables; no run there is `triggered` or `rejected`."""
    held, asked, cancelled = DagRun.dag_id.in_(paused), _human_input_pending(), _cancelled()
    return {
        RunStatus.QUEUED: (DagRunState.QUEUED, ~held),
        RunStatus.HELD: (DagRunState.QUEUED, held),
        RunStatus.RUNNING: (DagRunState.RUNNING, ~asked),
        RunStatus.WAITING: (DagRunState.RUNNING, asked),
        RunStatus.SUCCEEDED: (DagRunState.SUCCESS, true()),
        RunStatus.FAILED: (DagRunState.FAILED, ~cancelled),
        RunStatus.CANCELLED: (DagRunState.FAILED, cancelled),
    }


def _human_input_pending() -> ColumnElement[bool]:
    return exists().where(
        TaskInstance.dag_id == DagRun.dag_id,
        TaskInstance.run_id == DagRun.run_id,
        TaskInstance.state.in_(HUMAN_STATES),
        HITLDetail.ti_id == TaskInstance.id,
        HITLDetail.responded_at.is_(None),
    )


def _cancelled() -> ColumnElement[bool]:
    """As `envelope.is_cancelled`; compared as text, as a conf that somebody else wrote must not fail the statement."""
    told = (DagRun.conf[(RESERVED_KEY, "cancel", name)].as_string() for name in ("effective", "clear_number"))
    effective, clear_number = (func.coalesce(text, "") for text in told)
    # Postgres tells a boolean as `true`, SQLite as 1.
    return and_(effective.in_(["true", "1"]), clear_number == cast(DagRun.clear_number, String))
