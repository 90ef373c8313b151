"""Which runs are asked for, and the statement that finds a page of them, newest first.

"Newest" goes by `dag_run.id`: it never changes, and new runs get higher ones, so pages stay whole whatever is created
or prioritized in between. A page costs an index walk; see `docs/performance.md` for a million runs.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow.models.dagrun import DagRun
from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all

from tradewind_airflow.runs.envelope import RESERVED_KEY
from tradewind_airflow.runs.run_states import status_conditions
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
    conditions = status_conditions(paused)
    wanted = [conditions[status] for status in sorted(statuses) if status in conditions]
    # The states are a condition of their own as well, so that an index on them can be used.
    states = DagRun.state.in_(sorted({state for state, _ in wanted}))
    return [states, or_(false(), *(and_(DagRun.state == state, detail) for state, detail in wanted))]
