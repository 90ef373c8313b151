"""Many runs in one statement or three: the rows that `SerializedDAG.create_dagrun` writes, from the DAGs' templates.

Nothing of it is Airflow's promise, so whatever is not plain is left to `create_dagrun` (`templates`, `suited`), and a
test compares the rows of both ways column by column.
"""

import re
from collections import Counter
from collections.abc import Collection

from airflow._shared.observability.metrics import stats
from airflow.configuration import conf as airflow_conf
from airflow.utils.types import DagRunType
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import catalog, one_statement, row_by_row
from tradewind_airflow.runs.orders import Creation, RunOrder, TransactionLostError
from tradewind_airflow.runs.run_rows import run_row, shared_contexts


def suited(session: Session, orders: Collection[RunOrder]) -> list[RunOrder]:
    """Return those of the orders that may be fulfilled here; for the others there is `create_dagrun`."""
    if session.get_bind().dialect.name not in row_by_row.INSERTS:
        return []
    pattern = airflow_conf.get("scheduler", "allowed_run_id_pattern").strip()
    return [order for order in orders if order.template and _is_plain_id(order.run_id, pattern)]


def _is_plain_id(run_id: str, pattern: str) -> bool:
    # What Airflow thinks of other ids, and how it says so, is its own affair.
    fits = bool(pattern) and re.match(pattern, run_id) is not None
    return fits and ".." not in run_id and DagRunType.from_run_id(run_id) is DagRunType.MANUAL


def create(session: Session, orders: Collection[RunOrder], user_name: str) -> dict[str, Creation]:
    """Make the runs, their task instances and audit rows; return by run id what became of each.

    Raises `TransactionLostError` when the database refuses a row, but for a run id that is taken.
    """
    try:
        written = _write(session, list(orders), user_name)
    except (IntegrityError, DataError) as error:
        session.rollback()
        raise TransactionLostError from error
    made = [order for order in orders if order.run_id in written]
    _count(made)
    created = dict.fromkeys((order.run_id for order in made), Creation.CREATED)
    return created | _told(session, [order for order in orders if order.run_id not in written])


def _write(session: Session, orders: list[RunOrder], user_name: str) -> set[str]:
    runs = [run_row(order, user_name) for order in orders]
    contexts = shared_contexts(runs) if session.get_bind().dialect.name == "postgresql" else None
    if contexts is None:
        return row_by_row.write(session, orders, runs, user_name)
    return one_statement.write(session, orders, runs, contexts, user_name)


def _told(session: Session, orders: Collection[RunOrder]) -> dict[str, Creation]:
    """What kept the orders from being fulfilled."""
    newest = catalog.newest(session, {order.dag.dag_id for order in orders}) if orders else {}
    current = {order.run_id for order in orders if catalog.is_newest(newest, order.dag.dag_id, order.key)}
    return {order.run_id: Creation.TAKEN if order.run_id in current else Creation.OUTDATED for order in orders}


def _count(orders: Collection[RunOrder]) -> None:
    """Count the task instances as Airflow does (`DagRun._create_task_instances`)."""
    counted: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for task_type, number in order.template.task_types.items() if order.template else ():
            counted[order.dag.dag_id, task_type] += number
    for (dag_id, task_type), number in counted.items():
        tags = {"dag_id": dag_id, "run_type": DagRunType.MANUAL, "task_type": task_type}
        stats.incr("task_instance_created", number, tags=tags)
