"""What is asked of `creation`, and what became of it."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from airflow.serialization.definitions.dag import SerializedDAG

from tradewind_airflow.runs.catalog import DagKey
from tradewind_airflow.runs.create.bulk.templates import RunTemplate
from tradewind_contracts.batches import BatchItem


class TransactionLostError(Exception):
    """The whole transaction was rolled back, and with it every run made in it.

    `DagRun._create_task_instances` swallows an IntegrityError of its task rows and calls `session.rollback()`, which
    ends the outermost transaction, savepoints or not. A bulk INSERT that the database refuses loses it as well.
    """


class Creation(Enum):
    """What became of a request."""

    CREATED = "created"
    TAKEN = "taken"
    """Somebody else committed a run with this id in the meantime."""
    OUTDATED = "outdated"
    """The DAG changed in the meantime: the same request may be given again, with the DAG as it is now."""


@dataclass(frozen=True)
class Refused:
    """Airflow itself refused the run, in its own words."""

    reason: str


@dataclass(frozen=True)
class RunRequest:
    """A run that shall be made of a DAG, which was deserialized from `key`; its parameters are validated.

    `template` is None where only Airflow's own `create_dagrun` can make the run.
    """

    dag: SerializedDAG
    key: DagKey
    template: RunTemplate | None
    item: BatchItem
    conf: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The run's id."""
        assert self.item.workflow_run_id is not None  # noqa: S101  # `triggering` names each item first
        return self.item.workflow_run_id
