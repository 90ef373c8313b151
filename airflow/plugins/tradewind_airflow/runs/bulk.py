"""Many runs in three statements: the rows that `SerializedDAG.create_dagrun` writes, from the DAGs' templates.

Nothing of it is Airflow's promise, so whatever is not plain is left to `create_dagrun` (`templates`, `suited`), and a
test compares the rows of both ways column by column.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from types import SimpleNamespace
from typing import Any

from airflow._shared.observability.metrics import stats
from airflow._shared.observability.traces import (
    TASK_SPAN_DETAIL_LEVEL_KEY,
    new_dagrun_trace_carrier,
    new_task_run_carrier,
)
from airflow._shared.timezones import timezone
from airflow.configuration import conf as airflow_conf
from airflow.models.dagrun import DagRun, dagrun_trace_attributes
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import Executable, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import catalog, priorities, task_rows
from tradewind_airflow.runs.catalog import Newest
from tradewind_airflow.runs.orders import Creation, RunOrder, TransactionLostError

Row = dict[str, Any]

_INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""Of the databases that Airflow supports, those that tell which rows an `ON CONFLICT DO NOTHING` wrote."""

_TASKS = insert(TaskInstance.__table__)


def suited(session: Session, orders: Collection[RunOrder]) -> list[RunOrder]:
    """Return those of the orders that may be fulfilled here; for the others there is `create_dagrun`."""
    if session.get_bind().dialect.name not in _INSERTS:
        return []
    pattern = airflow_conf.get("scheduler", "allowed_run_id_pattern").strip()
    return [order for order in orders if order.template and _is_plain_id(order.run_id, pattern)]


def _is_plain_id(run_id: str, pattern: str) -> bool:
    # What Airflow thinks of other ids, and how it says so, is its own affair.
    fits = bool(pattern) and re.match(pattern, run_id) is not None
    return fits and ".." not in run_id and DagRunType.from_run_id(run_id) is DagRunType.MANUAL


def create(session: Session, orders: Collection[RunOrder], user_name: str) -> dict[str, Creation]:
    """Make the runs and their task instances; return by run id what became of each.

    Raises `TransactionLostError` when the database refuses a row, but for a run id that is taken.
    """
    newest = catalog.newest(session, {order.dag.dag_id for order in orders})
    current = [order for order in orders if _is_current(order, newest)]
    try:
        made = _write(session, current, newest, user_name)
    except (IntegrityError, DataError) as error:
        session.rollback()
        raise TransactionLostError from error
    _count(made)
    told = {order.run_id: Creation.OUTDATED for order in orders}
    told |= {order.run_id: Creation.TAKEN for order in current}
    return told | {order.run_id: Creation.CREATED for order in made}


def _is_current(order: RunOrder, newest: Mapping[str, Newest]) -> bool:
    known = newest.get(order.dag.dag_id)
    return known is not None and known.key == order.key


def _write(
    session: Session, orders: Collection[RunOrder], newest: Mapping[str, Newest], user_name: str
) -> list[RunOrder]:
    runs = {order.run_id: _run(order, newest[order.dag.dag_id], user_name) for order in orders}
    written = _insert_runs(session, list(runs.values()))
    made = [order for order in orders if order.run_id in written]
    _insert_tasks(session, made, runs)
    return made


def _insert_runs(session: Session, rows: list[Row]) -> set[str]:
    if not rows:
        return set()
    return set(session.scalars(_free_runs(session.get_bind().dialect.name), rows))


@cache
def _free_runs(dialect: str) -> Executable:
    """An INSERT that tells the ids which were free. Built once: SQLAlchemy spends more on that than on sending it."""
    table = DagRun.__table__
    # The two dialects' statements have this part of their interface in common, and no type for it.
    statement: Any = _INSERTS[dialect](table)
    free = statement.on_conflict_do_nothing(index_elements=[table.c.dag_id, table.c.run_id])
    told: Executable = free.returning(table.c.run_id)
    return told


def _run(order: RunOrder, newest: Newest, user_name: str) -> Row:
    assert order.template is not None  # noqa: S101  # else it was not suited
    now = timezone.utcnow()
    identity = {"dag_id": order.dag.dag_id, "run_id": order.run_id, "run_type": DagRunType.MANUAL}
    return identity | {
        "run_after": priorities.run_after(now, order.item.priority),
        "queued_at": now,
        "state": DagRunState.QUEUED,
        "triggered_by": DagRunTriggeredByType.REST_API,
        "triggering_user_name": user_name,
        "conf": order.conf,
        "clear_number": 0,
        "context_carrier": new_dagrun_trace_carrier(
            task_span_detail_level=order.conf.get(TASK_SPAN_DETAIL_LEVEL_KEY),
            attributes=dagrun_trace_attributes(SimpleNamespace(**identity)),
        ),
        "bundle_version": newest.bundle_version if order.template.pins_bundle else None,
        "log_template_id": newest.log_template_id,
        "created_dag_version_id": order.key.version_id,
    }


def _insert_tasks(session: Session, orders: Collection[RunOrder], runs: Mapping[str, Row]) -> None:
    shared = task_rows.carriers(orders, runs) if session.get_bind().dialect.name == "postgresql" else None
    if shared is not None:
        task_rows.insert(session, orders, shared)
    elif rows := [row for order in orders for row in _tasks(order, runs[order.run_id])]:
        session.execute(_TASKS, rows)


def _tasks(order: RunOrder, run: Row) -> Iterator[Row]:
    assert order.template is not None  # noqa: S101  # else it was not suited
    of_run = {"run_id": order.run_id, "dag_version_id": order.key.version_id}
    for task in order.template.rows(order.item.priority):
        carrier = new_task_run_carrier(run["context_carrier"])  # type: ignore[no-untyped-call]  # Airflow's
        yield {**task, **of_run, "context_carrier": carrier}


def _count(orders: Collection[RunOrder]) -> None:
    """Count the task instances as Airflow does (`DagRun._create_task_instances`)."""
    counted: Counter[tuple[str, str]] = Counter()
    for order in orders:
        for task_type, number in order.template.task_types.items() if order.template else ():
            counted[order.dag.dag_id, task_type] += number
    for (dag_id, task_type), number in counted.items():
        tags = {"dag_id": dag_id, "run_type": DagRunType.MANUAL, "task_type": task_type}
        stats.incr("task_instance_created", number, tags=tags)
