"""Runs, their task instances and their audit rows in one statement of Postgres (docs/adr/0005).

A DAG's constants travel once, not once per row: Postgres multiplies its tasks by its runs itself.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.tasklog import LogTemplate
from airflow.serialization.serialized_objects import BaseSerialization
from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from tradewind_airflow.runs.create import audit_log
from tradewind_airflow.runs.create.bulk.templates import RunTemplate
from tradewind_airflow.runs.create.run_requests import RunRequest

# As the `uuid7` of Airflow's models: the instant in milliseconds, then random bits; Postgres has its own from 18 on.
_UUID7 = """encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing substring(int8send(
    floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid"""


@dataclass(frozen=True)
class PlainRun:
    """A run to insert: its row of `dag_run`, and the trace contexts of its tasks, or the one that they share."""

    request: RunRequest
    template: RunTemplate
    row: Mapping[str, Any]
    task_contexts: Sequence[Mapping[str, str]]


def write(session: Session, runs: Sequence[PlainRun], user_name: str) -> set[str]:
    """Write those of the runs whose DAG has not changed and whose id is free; return their ids."""
    templates, numbers = _templates(runs)
    rows = [_stored(run, number) for run, number in zip(runs, numbers, strict=True)]
    statement = _statement(
        tuple(runs[0].row), next((tuple(run.template.tasks[0]) for run in runs if run.template.tasks), ())
    )
    parameters = {"templates": templates, "runs": json.dumps(rows), "now": datetime.now(UTC)}
    return set(session.scalars(statement, parameters | {"event": audit_log.EVENT, "user": user_name}))


def _stored(run: PlainRun, number: int) -> dict[str, Any]:
    """Return a run's row as JSON, with its template's number; its state and type are text already."""
    row = run.row
    return {
        **row,
        "run_after": row["run_after"].isoformat(),
        "queued_at": row["queued_at"].isoformat(),
        "triggered_by": row["triggered_by"].name,
        "context_carrier": BaseSerialization.serialize(row["context_carrier"]),
        "created_dag_version_id": str(row["created_dag_version_id"]),
        "n": number,
        "task_contexts": [BaseSerialization.serialize(context) for context in run.task_contexts],
        "extra": audit_log.origin(run.request.item),
    }


def _templates(runs: Collection[PlainRun]) -> tuple[str, list[int]]:
    """Return what the runs of each DAG and priority share, once, as JSON; and for each run the number of its own."""
    known: dict[Any, tuple[int, str]] = {}
    numbers = []
    for run in runs:
        kind = (run.request.key, run.request.item.priority if run.template.weighed else 0)
        if kind not in known:
            known[kind] = (len(known), _template(len(known), run))
        numbers.append(known[kind][0])
    return f"[{', '.join(described for _, described in known.values())}]", numbers


def _template(number: int, run: PlainRun) -> str:
    dag_id, key = run.request.dag.dag_id, run.request.key
    identity = {"n": number, "dag_id": dag_id, "version": str(key.version_id), "hash": key.dag_hash}
    described = json.dumps(identity | {"pinned": run.template.pins_bundle})
    # The tasks are JSON already, and may be long.
    return f'{described[:-1]}, "tasks": {run.template.json(run.request.item.priority)}}}'


@cache
def _statement(run_columns: tuple[str, ...], task_columns: tuple[str, ...]) -> TextClause:
    dialect, table = postgresql.dialect(), DagRun.__table__  # type: ignore[no-untyped-call]  # SQLAlchemy's
    types = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in run_columns)
    tasks = _insert_tasks(task_columns) if task_columns else ""
    # Nothing in it comes from a request: only Airflow's own names are put in.
    return text(f"""
        WITH templates AS MATERIALIZED (
          SELECT g.n, g.tasks, CASE WHEN g.pinned THEN d.bundle_version END AS bundle_version
          FROM json_to_recordset(CAST(:templates AS json))
            AS g(n int, dag_id text, version uuid, hash text, pinned boolean, tasks json)
          JOIN {_name(DagModel)} d ON d.dag_id = g.dag_id
          JOIN {_name(SerializedDagModel)} s ON s.dag_version_id = g.version AND s.dag_hash = g.hash
          WHERE g.version = (SELECT v.id FROM {_name(DagVersion)} v WHERE v.dag_id = g.dag_id
                             ORDER BY v.version_number DESC LIMIT 1)),
        runs AS MATERIALIZED (
          SELECT r.*, row_number() OVER () AS place FROM json_to_recordset(CAST(:runs AS json))
            AS r(n int, task_contexts jsonb, extra text, {types})),
        made AS (
          INSERT INTO {table.fullname}
            ({", ".join(run_columns)}, bundle_version, log_template_id, created_at, updated_at)
          SELECT {", ".join(f"r.{name}" for name in run_columns)}, t.bundle_version,
            (SELECT coalesce(max(id), 0) FROM {_name(LogTemplate)}), :now, :now
          FROM runs r JOIN templates t USING (n) ORDER BY r.place
          ON CONFLICT (dag_id, run_id) DO NOTHING RETURNING run_id),
        {tasks}
        audited AS (
          INSERT INTO {_name(Log)} (dttm, event, owner, owner_display_name, dag_id, run_id, extra)
          SELECT :now, :event, :user, :user, r.dag_id, r.run_id, r.extra FROM made JOIN runs r USING (run_id)
          ORDER BY r.place)
        SELECT run_id FROM made
        """)  # noqa: S608  # as above


def _insert_tasks(columns: tuple[str, ...]) -> str:
    table = TaskInstance.__table__.fullname
    return f"""tasks AS MATERIALIZED (
          SELECT g.n, t.*
          FROM templates g, json_populate_recordset(CAST(NULL AS {table}), g.tasks) WITH ORDINALITY t),
        made_tasks AS (
          INSERT INTO {table} (id, updated_at, run_id, dag_version_id, context_carrier, {", ".join(columns)})
          SELECT {_UUID7}, :now, r.run_id, r.created_dag_version_id,
            r.task_contexts -> ((t.ordinality - 1) % jsonb_array_length(r.task_contexts))::int,
            {", ".join(f"t.{name}" for name in columns)}
          FROM made JOIN runs r USING (run_id) JOIN tasks t USING (n)),"""  # noqa: S608  # Airflow's own names alone


def _name(model: Any) -> str:
    table: Table = model.__table__
    return table.fullname
