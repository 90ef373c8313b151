"""The task instances of many runs in one statement, in which a DAG's constants travel once, not once per row.

A row per task and run costs the client 0.3 ms, most of it for values that all runs share. Here Postgres multiplies
the tasks of each DAG by its runs itself, which leaves its own cost, 0.04 ms a row: docs/adr/0005.
"""

import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from airflow._shared.observability.traces import new_task_run_carrier
from airflow._shared.timezones import timezone
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.serialized_objects import BaseSerialization
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from tradewind_airflow.runs.orders import RunOrder

Row = dict[str, Any]

# As the `uuid7` of Airflow's models: the instant in milliseconds, then random bits; Postgres has its own from 18 on.
_UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send(
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""


def carriers(orders: Collection[RunOrder], runs: Mapping[str, Row]) -> dict[str, Any] | None:
    """Return the trace context of each run's tasks; None where each task has one of its own, as tracing is on."""
    made = {order.run_id: new_task_run_carrier(runs[order.run_id]["context_carrier"]) for order in orders}  # type: ignore[no-untyped-call]  # Airflow's
    shared = (made[run_id].get("traceparent") == runs[run_id]["context_carrier"].get("traceparent") for run_id in made)
    return made if all(shared) else None


def insert(session: Session, orders: Collection[RunOrder], contexts: Mapping[str, Any]) -> None:
    """Write the task instances of runs that were just written, on Postgres."""
    templates, places = _templates(orders)
    runs = [
        {"n": place, "run_id": order.run_id, "carrier": BaseSerialization.serialize(contexts[order.run_id])}
        for order, place in zip(orders, places, strict=True)
    ]
    columns = next((tuple(order.template.tasks[0]) for order in orders if order.template and order.template.tasks), ())
    if columns:
        given = {"templates": templates, "runs": json.dumps(runs), "now": timezone.utcnow()}
        session.execute(_statement(columns), given)


def _templates(orders: Collection[RunOrder]) -> tuple[str, list[int]]:
    """The tasks of each DAG and priority once, as JSON, and for each order which of them are its."""
    known: dict[Any, tuple[int, str]] = {}
    places = []
    for order in orders:
        assert order.template is not None  # noqa: S101  # else it was not suited
        kind = (order.key, order.item.priority if order.template.weighed else 0)
        if kind not in known:
            version, tasks = json.dumps(str(order.key.version_id)), order.template.json(kind[1])
            known[kind] = len(known), f'{{"n": {len(known)}, "version": {version}, "tasks": {tasks}}}'
        places.append(known[kind][0])
    return f"[{', '.join(json for _, json in known.values())}]", places


@cache
def _statement(columns: tuple[str, ...]) -> TextClause:
    table = TaskInstance.__table__.fullname
    names = ", ".join(columns)
    # Nothing in it comes from a request: what is put in are Airflow's own names.
    return text(f"""
        WITH tasks AS MATERIALIZED (
          SELECT g.n, g.version, t.*
          FROM json_to_recordset(CAST(:templates AS json)) AS g(n int, version uuid, tasks json),
            json_populate_recordset(CAST(NULL AS {table}), g.tasks) AS t)
        INSERT INTO {table} (id, updated_at, run_id, dag_version_id, context_carrier, {names})
        SELECT {_UUID7}, :now, r.run_id, t.version, r.carrier, {", ".join(f"t.{name}" for name in columns)}
        FROM json_to_recordset(CAST(:runs AS json)) AS r(n int, run_id text, carrier jsonb) JOIN tasks t USING (n)
        """)  # noqa: S608  # as above
