"""Runs and their task instances in an INSERT for each table, row by row: on every database that knows `ON CONFLICT`."""

from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from sqlalchemy import Executable, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from tradewind_airflow.runs import catalog
from tradewind_airflow.runs.catalog import Newest
from tradewind_airflow.runs.create import audit_log
from tradewind_airflow.runs.create.bulk.run_rows import Row, task_context
from tradewind_airflow.runs.create.run_requests import RunRequest

INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
"""Of the databases that Airflow supports, those that tell which rows an `ON CONFLICT DO NOTHING` wrote."""

_TASKS = insert(TaskInstance.__table__)


def write(session: Session, requests: Collection[RunRequest], runs: Collection[Row], user_name: str) -> set[str]:
    """Write those of the runs whose DAG is as they know it and whose id is free; return their ids."""
    newest = catalog.newest(session, {request.dag.dag_id for request in requests})
    current = {
        request.run_id: (request, run | _pins(request, newest[request.dag.dag_id]))
        for request, run in zip(requests, runs, strict=True)
        if catalog.is_newest(newest, request.dag.dag_id, request.key)
    }
    written = _insert_runs(session, [run for _, run in current.values()])
    made = [current[run_id] for run_id in current if run_id in written]
    if tasks := [row for request, run in made for row in _tasks(request, run)]:
        session.execute(_TASKS, tasks)
    audit_log.write(session, [request for request, _ in made], user_name)
    return written


def _pins(request: RunRequest, newest: Newest) -> Row:
    pinned = request.template is not None and request.template.pins_bundle
    return {
        "bundle_version": newest.bundle_version if pinned else None,
        "log_template_id": newest.log_template_id,
    }


def _insert_runs(session: Session, rows: list[Row]) -> set[str]:
    if not rows:
        return set()
    return set(session.scalars(_free_runs(session.get_bind().dialect.name), rows))


@cache
def _free_runs(dialect: str) -> Executable:
    """An INSERT that tells the ids which were free. Built once: SQLAlchemy spends more on that than on sending it."""
    table = DagRun.__table__
    # The two dialects' statements have this part of their interface in common, and no type for it.
    statement: Any = INSERTS[dialect](table)
    free = statement.on_conflict_do_nothing(index_elements=[table.c.dag_id, table.c.run_id])
    told: Executable = free.returning(table.c.run_id)
    return told


def _tasks(request: RunRequest, run: Row) -> Iterator[Row]:
    assert request.template is not None  # noqa: S101  # else it was not suited
    of_run = {"run_id": request.run_id, "dag_version_id": request.key.version_id}
    for task in request.template.rows(request.item.priority):
        yield {**task, **of_run, "context_carrier": task_context(run)}
