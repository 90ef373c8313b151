"""How far runs are, counted from their task instances: one statement for as many runs as are asked for."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import State, TaskInstanceState
from sqlalchemy import Select, and_, bindparam, func, select
from sqlalchemy.orm import Session

HUMAN_STATES = (TaskInstanceState.AWAITING_INPUT, TaskInstanceState.DEFERRED)
"""States of a task that waits for a person: parked by Airflow 3.3's own operators, deferred by those before."""


@dataclass(frozen=True)
class TaskCounts:
    """Of one run: its task instances, how many of them have ended, failed, or wait for a person."""

    total: int = 0
    finished: int = 0
    failed: int = 0
    asked: int = 0

    @property
    def progress(self) -> float:
        """The finished share, 0 to 1."""
        return self.finished / self.total if self.total else 0.0

    def plus(self, state: str | None, number: int, asked: int) -> "TaskCounts":
        """Return the counts with `number` more task instances in a state."""
        return TaskCounts(
            self.total + number,
            self.finished + (number if state in State.finished else 0),
            self.failed + (number if state == TaskInstanceState.FAILED else 0),
            self.asked + asked,
        )


def counted(session: Session, row_ids: Collection[int]) -> dict[int, TaskCounts]:
    """Return the counts of runs by their row ids; a run without task instances is left out."""
    found: dict[int, TaskCounts] = {}
    for row in session.execute(_counted(), {"row_ids": list(row_ids)}) if row_ids else ():
        found[row.id] = found.get(row.id, TaskCounts()).plus(row.state, row.number, row.asked)
    return found


@cache
def _counted() -> Select[*tuple[Any, ...]]:
    asked = and_(
        HITLDetail.ti_id == TaskInstance.id, HITLDetail.responded_at.is_(None), TaskInstance.state.in_(HUMAN_STATES)
    )
    return (
        select(
            DagRun.id,
            TaskInstance.state.label("state"),
            func.count().label("number"),
            func.count(HITLDetail.ti_id).label("asked"),
        )
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(HITLDetail, asked)
        .where(DagRun.id.in_(bindparam("row_ids", expanding=True)))
        .group_by(DagRun.id, TaskInstance.state)
    )
