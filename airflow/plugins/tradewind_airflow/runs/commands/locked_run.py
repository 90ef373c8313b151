"""The run that a command is addressed to: found by its id, as far as the caller may know of it, and locked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import with_db_lock_timeout, with_row_locks
from sqlalchemy import Select, bindparam, select, update
from sqlalchemy.orm import Session

from tradewind_airflow.runs import envelope
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import is_internal
from tradewind_airflow.runs.commands.refusals import RefusedError
from tradewind_airflow.runs.envelope import RunEnvelope
from tradewind_contracts import run_ids
from tradewind_contracts.problems import ProblemType

RUN_ID = "run_id"

LOCK_SECONDS = 10
"""How long a command waits for the scheduler, which holds a run's row while it decides on it. Then it is a 503."""


@dataclass(frozen=True)
class Address:
    """Which run, who asks, and of which DAG where several have a run of this id."""

    run_id: str
    caller: Caller
    workflow_id: str | None = None


@dataclass(frozen=True)
class Addressed:
    """A run whose row is locked until the session ends."""

    session: Session
    run: DagRun
    caller_name: str

    @property
    def envelope(self) -> RunEnvelope:
        """What Tradewind keeps with the run."""
        return envelope.envelope_of(self.run.conf)

    def keep(self, **changes: Any) -> None:
        """Change the run's envelope."""
        self.run.conf = envelope.with_envelope(self.run.conf, self.envelope.model_copy(update=changes))

    def key_id(self, key: str | None) -> str | None:
        """Return what an `Idempotency-Key` is remembered by: the caller's own, for this workflow."""
        return run_ids.from_idempotency_key(self.caller_name, self.run.dag_id, key) if key else None

    def dag(self) -> SerializedDAG | None:
        """Return the DAG in the version that the run is made of; None when that version is gone."""
        return DBDagBag(load_op_links=False).get_dag_for_run(self.run, session=self.session)

    def audit(self, command: str, **told: Any) -> None:
        """Add a row to Airflow's audit log, in the command's own transaction; `told` never holds a payload."""
        row = Log(
            event=f"tradewind_{command}",
            owner=self.caller_name,
            owner_display_name=self.caller_name,
            dag_id=self.run.dag_id,
            run_id=self.run.run_id,
            extra=json.dumps(told),
        )
        self.session.add(row)


@contextmanager
def addressed(address: Address) -> Iterator[Addressed]:
    """Find and lock a run; commit at the end, or roll back on an error. Raises `RefusedError`."""
    with create_session(scoped=False) as session, with_db_lock_timeout(session, LOCK_SECONDS):
        yield Addressed(session, _locked(session, _found(session, address)), address.caller.name)


def _found(session: Session, address: Address) -> Address:
    """Return the address with its DAG."""
    known = [dag_id for dag_id in _dags(session, address) if address.caller.may_read(dag_id)]
    if not known:
        raise _unknown(address)
    if len(known) > 1:
        detail = f"several DAGs have this run: {', '.join(known)}; say which one by ?workflow_id="
        raise RefusedError(ProblemType.STATE_CONFLICT, detail)
    if not address.caller.may_change(known[0]):
        raise RefusedError(ProblemType.FORBIDDEN, f"you may not change the runs of {known[0]!r}")
    return replace(address, workflow_id=known[0])


def _dags(session: Session, address: Address) -> list[str]:
    query = _runs().where(DagRun.dag_id == address.workflow_id) if address.workflow_id else _runs()
    return list(session.scalars(query, {RUN_ID: address.run_id}))


@cache
def _runs() -> Select[str]:
    """The DAGs that have a run, but for Tradewind's own: those are nobody's to steer from outside."""
    return (
        select(DagRun.dag_id)
        .where(DagRun.run_id == bindparam(RUN_ID), ~is_internal(DagRun.dag_id))
        .order_by(DagRun.dag_id)
    )


def _locked(session: Session, address: Address) -> DagRun:
    this = (DagRun.dag_id == address.workflow_id, DagRun.run_id == address.run_id)
    if session.get_bind().dialect.name == "sqlite":
        # SQLite has one lock, that of whoever writes: what is read after it is taken stays as it is.
        session.execute(update(DagRun).where(*this).values(updated_at=DagRun.updated_at))
    row = with_row_locks(select(DagRun).where(*this), session, of=DagRun)
    run: DagRun | None = session.scalars(row, execution_options={"populate_existing": True}).unique().one_or_none()
    if run is None:
        raise _unknown(address)
    return run


def _unknown(address: Address) -> RefusedError:
    return RefusedError(ProblemType.UNKNOWN_RUN, f"no DAG that you may read has a run {address.run_id!r}")
