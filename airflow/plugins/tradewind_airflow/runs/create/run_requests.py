"""Requests for runs, and what can become of each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from airflow.serialization.definitions.dag import SerializedDAG
from sqlalchemy.orm import Session

from tradewind_airflow.runs.dags import DagKey
from tradewind_contracts.batches import BatchItem


class TransactionLostError(Exception):
    """The whole transaction was rolled back, and with it every run created in it.

    `DagRun._create_task_instances` swallows an IntegrityError of its task rows and calls `session.rollback()`, which
    ends the outermost transaction, savepoints or not. A bulk INSERT that the database refuses loses it as well.
    """


class Creation(Enum):
    """What became of a request."""

    CREATED = "created"
    TAKEN = "taken"
    """Another transaction committed a run with this id in the meantime."""
    OUTDATED = "outdated"
    """The DAG changed in the meantime: the same request can be repeated with the DAG as it is now."""


@dataclass(frozen=True)
class Refused:
    """Airflow itself refused the run, in its own words."""

    reason: str


@dataclass(frozen=True)
class RunRequest:
    """A run to create, of a DAG that was deserialized from `key`; its parameters are validated."""

    dag: SerializedDAG
    key: DagKey
    item: BatchItem
    conf: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The run's id."""
        assert self.item.workflow_run_id is not None  # noqa: S101  # the service gives each item one first
        return self.item.workflow_run_id


class BulkWriter(Protocol):
    """Creates many runs at once, faster than Airflow's `create_dagrun`."""

    def suited(self, session: Session, requests: Collection[RunRequest]) -> Collection[RunRequest]:
        """Return those of the requests that it can create."""

    def create(self, session: Session, requests: Collection[RunRequest], user_name: str) -> Mapping[str, Creation]:
        """Create the runs with their audit rows; return by run id what became of each. Commits nothing.

        Raises `TransactionLostError`.
        """
