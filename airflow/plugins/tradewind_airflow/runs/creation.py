"""Making DAG runs: the one step of a trigger that writes.

`create_runs` is the whole interface. Plain runs are written in bulk, the others by Airflow, each under a savepoint.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from itertools import groupby

from airflow.exceptions import ParamValidationError
from airflow.sdk.exceptions import AirflowException
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import audit, bulk, priorities
from tradewind_airflow.runs.orders import Creation, Refused, RunOrder, TransactionLostError
from tradewind_airflow.runs.weighing import weigh


class NewerVersionError(Exception):
    """The DAG got a new version while its run was being made."""


def create_runs(session: Session, orders: Collection[RunOrder], user_name: str) -> dict[str, Creation | Refused]:
    """Make the runs in the session's transaction, in order, and return by run id what became of each.

    An order that cannot be fulfilled leaves the others as they are. Nothing is committed. Raises
    `TransactionLostError`.
    """
    plain = {order.run_id for order in bulk.suited(session, orders)}
    made: dict[str, Creation | Refused] = {}
    for in_bulk, neighbours in groupby(orders, lambda order: order.run_id in plain):
        create = bulk.create if in_bulk else _one_by_one
        made |= create(session, list(neighbours), user_name)
    return made


def _one_by_one(session: Session, orders: Collection[RunOrder], user_name: str) -> dict[str, Creation | Refused]:
    root = session.get_transaction() or session.begin()
    made: dict[str, Creation | Refused] = {}
    for order in orders:
        made[order.run_id] = _create(session, order, user_name)
        if session.get_transaction() is not root:
            raise TransactionLostError
    audit.write(session, [order for order in orders if made[order.run_id] is Creation.CREATED], user_name)
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
        run_after=priorities.run_after(datetime.now(UTC), order.item.priority),
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
    if order.item.priority:
        weigh(session, order.dag, order.run_id, order.item.priority)
