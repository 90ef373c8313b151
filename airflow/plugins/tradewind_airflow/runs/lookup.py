"""Find a run by its id, for a caller. One rule for status, streams and commands.

A caller finds the runs of the DAGs that they may read. Runs of Tradewind's own DAGs (`dags.INTERNAL_TAG`), and of DAGs
whose id the contract cannot carry, are not found at all, as the list of runs and the change feed leave them out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from tradewind_airflow.runs import names
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.dags import is_internal
from tradewind_airflow.runs.envelope import RESERVED_KEY
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.problems import ProblemType


@dataclass(frozen=True)
class RunAddress:
    """Which run, for whom, and of which DAG where several have a run of this id."""

    run_id: str
    caller: Caller
    workflow_id: str | None = None


def readable_run(session: Session, address: RunAddress) -> Row[Any]:
    """Return a run's row; raise `RefusedError` unless the caller may read exactly one run of this id."""
    readable = [
        run
        for run in _runs(session, address)
        if names.is_workflow_id(run.dag_id) and address.caller.may_read(run.dag_id)
    ]
    if not readable:
        raise unknown_run(address)
    if len(readable) > 1:
        dag_ids = ", ".join(sorted(run.dag_id for run in readable))
        detail = f"several DAGs have this run: {dag_ids}; name one with ?workflow_id="
        raise RefusedError(ProblemType.STATE_CONFLICT, detail)
    return readable[0]


def changeable_run(session: Session, address: RunAddress) -> Row[Any]:
    """Return a run's row; raise `RefusedError` as `readable_run` does, or if the caller may not change the run."""
    run = readable_run(session, address)
    if not address.caller.may_change(run.dag_id):
        raise RefusedError(ProblemType.FORBIDDEN, f"you may not change the runs of {run.dag_id!r}")
    return run


def unknown_run(address: RunAddress) -> RefusedError:
    """Return the error of a run that does not exist, as far as the caller may know."""
    return RefusedError(ProblemType.UNKNOWN_RUN, f"no DAG that you may read has a run {address.run_id!r}")


def _runs(session: Session, address: RunAddress) -> Sequence[Row[Any]]:
    if address.workflow_id:
        return session.execute(_of_workflow(), {"run_id": address.run_id, "dag_id": address.workflow_id}).all()
    return session.execute(_by_run_id(), {"run_id": address.run_id}).all()


# Each statement is built once: SQLAlchemy spends more on that than Postgres on the answer.


@cache
def _by_run_id() -> Select[*tuple[Any, ...]]:
    """By the id alone, which the index `tradewind_dag_run_run_id` answers."""
    return (
        select(
            DagRun.id,
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.start_date,
            DagRun.end_date,
            DagRun.clear_number,
            DagRun.conf[RESERVED_KEY].label("envelope"),
            DagRun.created_dag_version_id,
            DagModel.is_paused,
        )
        .join(DagModel, DagModel.dag_id == DagRun.dag_id)
        .where(DagRun.run_id == bindparam("run_id"), ~is_internal(DagRun.dag_id))
    )


@cache
def _of_workflow() -> Select[*tuple[Any, ...]]:
    return _by_run_id().where(DagRun.dag_id == bindparam("dag_id"))
