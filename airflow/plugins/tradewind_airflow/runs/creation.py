"""Making DAG runs: the one step of a trigger that writes.

`create_runs` is the whole interface, so that another way of writing (`INSERT` of many rows) can take its place.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from airflow.exceptions import ParamValidationError
from airflow.models.log import Log
from airflow.sdk.exceptions import AirflowException
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs.catalog import DagKey
from tradewind_contracts.batches import BatchItem

AUDIT_EVENT = "tradewind_trigger"
"""`event` of the row in Airflow's audit log (`log`) that each created run gets."""


class TransactionLostError(Exception):
    """Airflow rolled the whole transaction back, and with it every run made in it.

    `DagRun._create_task_instances` swallows an IntegrityError of its task rows and calls `session.rollback()`, which
    ends the outermost transaction, savepoints or not.
    """


class NewerVersionError(Exception):
    """The DAG got a new version while its run was being made."""


class Creation(Enum):
    """What became of an order."""

    CREATED = "created"
    TAKEN = "taken"
    """Somebody else committed a run with this id in the meantime."""
    OUTDATED = "outdated"
    """The DAG changed in the meantime: the same order may be given again, with the DAG as it is now."""


@dataclass(frozen=True)
class Refused:
    """Airflow itself refused the run, in its own words."""

    reason: str


@dataclass(frozen=True)
class RunOrder:
    """A run that shall be made of a DAG, which was deserialized from `key`."""

    dag: SerializedDAG
    key: DagKey
    item: BatchItem
    conf: dict[str, Any]

    @property
    def run_id(self) -> str:
        """The run's id."""
        assert self.item.workflow_run_id is not None  # noqa: S101  # `triggering` names each item first
        return self.item.workflow_run_id


def create_runs(session: Session, orders: Collection[RunOrder], user_name: str) -> dict[str, Creation | Refused]:
    """Make the runs in the session's transaction, in order, and return by run id what became of each.

    An order that cannot be fulfilled leaves the others as they are. Nothing is committed.
    Raises `TransactionLostError`.
    """
    root = session.get_transaction() or session.begin()
    made: dict[str, Creation | Refused] = {}
    for order in orders:
        made[order.run_id] = _create(session, order, user_name)
        if session.get_transaction() is not root:
            raise TransactionLostError
    # In one statement, and in the runs' own transaction: no run without its audit row, no row without its run.
    session.add_all(_audit_row(order, user_name) for order in orders if made[order.run_id] is Creation.CREATED)
    return made


def _create(session: Session, order: RunOrder, user_name: str) -> Creation | Refused:
    try:
        with session.begin_nested():
            _write(session, order, user_name)
    except IntegrityError:
        return Creation.TAKEN
    except NewerVersionError:
        return Creation.OUTDATED
    except (ParamValidationError, ValueError, AirflowException) as error:
        return Refused(str(error))
    return Creation.CREATED


def _write(session: Session, order: RunOrder, user_name: str) -> None:
    run = order.dag.create_dagrun(
        run_id=order.run_id,
        # A date would be unique per DAG, and two events in one instant would collide.
        logical_date=None,
        run_after=datetime.now(UTC),
        conf=order.conf,
        run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.REST_API,
        triggering_user_name=user_name,
        state=DagRunState.QUEUED,
        session=session,
    )
    # Airflow pins the run to the version that is the newest at this instant, whichever DAG object it was given.
    if run.created_dag_version_id != order.key.version_id:
        raise NewerVersionError


def _audit_row(order: RunOrder, user_name: str) -> Log:
    origin = order.item.origin
    told = {"event_id": origin.event_id, "source": origin.source} if origin else {}
    return Log(
        event=AUDIT_EVENT,
        owner=user_name,
        owner_display_name=user_name,
        dag_id=order.dag.dag_id,
        run_id=order.run_id,
        extra=json.dumps(told),
    )
