"""Creates a run of each DAG by Airflow and one in bulk, and prints every row that was written, as JSON.

A program of its own (`python made_both_ways.py [traced]`): Airflow binds to one database, and to one tracer, for the
life of a process.
"""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.log import Log
from airflow.utils.session import create_session
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import inspect, select, text, update
from sqlalchemy.orm import Session

from tradewind_airflow.runs import dags
from tradewind_airflow.runs.create import bulk
from tradewind_airflow.runs.create.create_runs import create_runs
from tradewind_airflow.runs.create.run_requests import BulkWriter, RunRequest
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.dags import DagRecord
from tradewind_airflow.runs.envelope import conf_of
from tradewind_contracts.batches import BatchItem, EventOrigin
from tradewind_contracts.workflows import WorkflowType

PARAMETERS = {"isin": "DE0007164600", "airflow/task_span_detail_level": 2, "legs": [{"side": "buy", "price": 1.5}]}
ORIGIN = EventOrigin(event_id="e1", source="/desk", timestamp="2026-11-23T00:00:00Z")


def main() -> None:
    """Print `{"dags": {dag id: {"in_bulk": bool, "airflow": made, "bulk": made}}, "together": outcomes}`."""
    if "traced" in sys.argv:
        trace.set_tracer_provider(TracerProvider())
    dag_cache = DagCache()
    with create_session(scoped=False) as session:
        session.execute(update(DagModel).values(bundle_version="v7"))
        found = dags.find(session, list(session.scalars(select(DagModel.dag_id))))
        requests = {dag_id: _request(session, dag_cache, dag) for dag_id, dag in found.items()}
        made = {dag_id: _both_ways(session, request) for dag_id, request in requests.items()}
        together = _together(session, requests)
    sys.stdout.write(json.dumps({"dags": made, "together": together}, default=_plain))


def _writer() -> BulkWriter:
    writer = bulk.load_writer()
    assert writer, "this is not the tested Airflow"
    return writer


def _both_ways(session: Session, request: RunRequest) -> dict[str, Any]:
    return {
        "in_bulk": bool(_writer().suited(session, [request])),
        "airflow": _make(session, _named(request, "by-airflow"), None),
        "bulk": _make(session, request, _writer()),
    }


def _together(session: Session, requests: dict[str, RunRequest]) -> dict[str, Any]:
    """Return what becomes of requests of all kinds in one transaction; the runs "in-bulk" are there already."""
    five, mapped = requests["bulk_five"], requests["slow_mapped"]
    outdated = replace(_named(five, "outdated"), key=replace(five.key, dag_hash="of yesterday"))
    refused = _named(five, "scheduled__2026-11-23")
    wanted = [_named(mapped, "slow"), five, outdated, _named(five, "new"), refused, _named(five, "newer")]
    before = _counts(session)
    made = create_runs(session, wanted, "ingest", _writer())
    session.commit()
    written = _written(before, _counts(session))
    return {"outcomes": {run_id: str(outcome) for run_id, outcome in made.items()}, "written": written}


def _named(request: RunRequest, run_id: str) -> RunRequest:
    return replace(request, item=request.item.model_copy(update={"workflow_run_id": run_id}))


def _request(session: Session, dag_cache: DagCache, dag: DagRecord) -> RunRequest:
    item = BatchItem(
        workflow_id=dag.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
        parameters=PARAMETERS,
        priority=3,
        workflow_run_id="in-bulk",
        origin=ORIGIN,
    )
    assert dag.key
    return RunRequest(dag_cache.dag(session, dag.key), dag.key, item, conf_of(item))


def _make(session: Session, request: RunRequest, writer: BulkWriter | None) -> dict[str, Any]:
    before = _counts(session)
    made = create_runs(session, [request], "ingest", writer)
    session.commit()
    return {
        "outcome": str(made[request.run_id]),
        "written": _written(before, _counts(session)),
        "runs": _rows(session, "dag_run", request, "id"),
        "tasks": _rows(session, "task_instance", request, "task_id, map_index"),
        "log": _rows(session, Log.__tablename__, request, "id"),
    }


def _written(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    return {table: after[table] - before[table] for table in after if after[table] != before[table]}


def _counts(session: Session) -> dict[str, int]:
    names: Iterable[str] = inspect(session.get_bind()).get_table_names()
    return {name: session.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}  # noqa: S608  # the database's own names


def _rows(session: Session, table: str, request: RunRequest, sorting: str) -> list[dict[str, Any]]:
    query = f"SELECT * FROM {table} WHERE dag_id = :dag AND run_id = :run ORDER BY {sorting}"  # noqa: S608  # constants
    found = session.execute(text(query), {"dag": request.dag.dag_id, "run": request.run_id})
    return [dict(row) for row in found.mappings()]


def _plain(value: Any) -> str:
    return bytes(value).hex() if isinstance(value, (bytes, memoryview)) else str(value)


if __name__ == "__main__":
    main()
