"""Task instances of runs, counted by state: one statement for any number of runs."""

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

from tradewind_airflow.runs.run_states import is_human_input_pending


@dataclass(frozen=True)
class TaskCounts:
    """One run's task instances: all, those that have ended, that failed, and that wait for a person."""

    total: int = 0
    finished: int = 0
    failed: int = 0
    pending_input: int = 0

    @property
    def progress(self) -> float:
        """The finished share, 0 to 1."""
        return self.finished / self.total if self.total else 0.0

    def plus(self, state: str | None, number: int, pending_input: int) -> "TaskCounts":
        """Return the counts with `number` more task instances in a state."""
        return TaskCounts(
            self.total + number,
            self.finished + (number if state in State.finished else 0),
            self.failed + (number if state == TaskInstanceState.FAILED else 0),
            self.pending_input + pending_input,
        )


def counted(session: Session, row_ids: Collection[int]) -> dict[int, TaskCounts]:
    """Return the counts of runs by their row ids; a run without task instances is left out."""
    found: dict[int, TaskCounts] = {}
    for row in session.execute(_counted(), {"row_ids": list(row_ids)}) if row_ids else ():
        found[row.id] = found.get(row.id, TaskCounts()).plus(row.state, row.number, row.pending_input)
    return found


@cache
def _counted() -> Select[*tuple[Any, ...]]:
    return (
        select(
            DagRun.id,
            TaskInstance.state.label("state"),
            func.count().label("number"),
            func.count(HITLDetail.ti_id).label("pending_input"),
        )
        .join(TaskInstance, and_(TaskInstance.dag_id == DagRun.dag_id, TaskInstance.run_id == DagRun.run_id))
        .outerjoin(HITLDetail, is_human_input_pending())
        .where(DagRun.id.in_(bindparam("row_ids", expanding=True)))
        .group_by(DagRun.id, TaskInstance.state)
    )
