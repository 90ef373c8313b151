"""The run that a command changes: found by its id, if the caller may change it, and locked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.session import create_session
from airflow.utils.sqlalchemy import with_db_lock_timeout, with_row_locks
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from tradewind_airflow.runs import envelope, lookup
from tradewind_airflow.runs.envelope import RunEnvelope
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_contracts import run_ids

LOCK_SECONDS = 10
"""How long a command waits for the scheduler, which holds a run's row while it decides on it, before it fails (503)."""


@dataclass(frozen=True)
class LockedRun:
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

    def audit(self, command: str, **details: Any) -> None:
        """Add a row to Airflow's audit log, in the command's own transaction; `details` never hold a payload."""
        row = Log(
            event=f"tradewind_{command}",
            owner=self.caller_name,
            owner_display_name=self.caller_name,
            dag_id=self.run.dag_id,
            run_id=self.run.run_id,
            extra=json.dumps(details),
        )
        self.session.add(row)


@contextmanager
def locked_run(address: RunAddress) -> Iterator[LockedRun]:
    """Find and lock a run; commit at the end, or roll back on an error.

    Raises `RefusedError` unless the caller may change the run.
    """
    with create_session(scoped=False) as session, with_db_lock_timeout(session, LOCK_SECONDS):
        dag_id = lookup.changeable_run(session, address).dag_id
        yield LockedRun(session, _locked(session, dag_id, address), address.caller.name)


def _locked(session: Session, dag_id: str, address: RunAddress) -> DagRun:
    this = (DagRun.dag_id == dag_id, DagRun.run_id == address.run_id)
    if session.get_bind().dialect.name == "sqlite":
        # SQLite has one lock, the writer's: what is read after it is taken stays as it is.
        session.execute(update(DagRun).where(*this).values(updated_at=DagRun.updated_at))
    row = with_row_locks(select(DagRun).where(*this), session, of=DagRun)
    run: DagRun | None = session.scalars(row, execution_options={"populate_existing": True}).unique().one_or_none()
    if run is None:
        raise lookup.unknown_run(address)
    return run
