"""Existing runs, found by run id alone: an id is a run's identity everywhere, whichever DAG it belongs to.

The statement filters by ids alone, which the index `tradewind_dag_run_run_id` answers however many runs and DAGs
there are (`tradewind_airflow.database.indexes`). Without that index it is correct as well, and reads all runs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from airflow.models.dagrun import DagRun
from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs.envelope import asked_priority_of, parameters_of
from tradewind_contracts.batches import BatchItem


@dataclass(frozen=True)
class ExistingRun:
    """A row of `dag_run`: what a repeated request is compared with."""

    dag_id: str
    run_id: str
    state: str
    parameters: dict[str, Any]
    priority: int
    created_at: datetime

    def is_of(self, item: BatchItem) -> bool:
        """Whether the item is the request that created this run, and not another one with the same id."""
        asked = (item.workflow_id, item.parameters, item.priority)
        return asked == (self.dag_id, self.parameters, self.priority)


def by_run_id(session: Session, run_ids: Collection[str]) -> dict[str, list[ExistingRun]]:
    """Return the runs with one of `run_ids`, by run id; Airflow's own ids may name a run of each DAG."""
    found: dict[str, list[ExistingRun]] = {}
    for row in session.execute(_runs(), {"run_ids": list(run_ids)}):
        parameters, priority = parameters_of(row.conf), asked_priority_of(row.conf)
        created_at = row.created_at or row.run_after
        run = ExistingRun(row.dag_id, row.run_id, row.state, parameters, priority, created_at)
        found.setdefault(run.run_id, []).append(run)
    return found


@cache
def _runs() -> Select[*tuple[Any, ...]]:
    # Built once: SQLAlchemy spends more on that than Postgres on the answer.
    return select(DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.conf, DagRun.created_at, DagRun.run_after).where(
        DagRun.run_id.in_(bindparam("run_ids", expanding=True))
    )
