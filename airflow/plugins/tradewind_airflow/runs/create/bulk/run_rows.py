"""What a run brings to its rows, beside its DAG's template."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from airflow._shared.observability.traces import (
    TASK_SPAN_DETAIL_LEVEL_KEY,
    new_dagrun_trace_carrier,
    new_task_run_carrier,
)
from airflow.models.dagrun import dagrun_trace_attributes
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.create.run_requests import RunRequest

Context = Mapping[str, str]
"""A W3C trace context, as `context_carrier` keeps it."""


def run_row(request: RunRequest, user_name: str) -> dict[str, Any]:
    """Return the run's row of `dag_run`, without what the statement reads from the DAG's row as it writes."""
    now = datetime.now(UTC)
    identity = {"dag_id": request.dag.dag_id, "run_id": request.run_id, "run_type": DagRunType.MANUAL}
    return identity | {
        "run_after": priorities.run_after(now, request.item.priority),
        "queued_at": now,
        "state": DagRunState.QUEUED,
        "triggered_by": DagRunTriggeredByType.REST_API,
        "triggering_user_name": user_name,
        "conf": request.conf,
        "clear_number": 0,
        "context_carrier": new_dagrun_trace_carrier(
            task_span_detail_level=request.conf.get(TASK_SPAN_DETAIL_LEVEL_KEY),
            attributes=dagrun_trace_attributes(SimpleNamespace(**identity)),
        ),
        "created_dag_version_id": request.key.version_id,
    }


def task_contexts(run: Mapping[str, Any], number: int) -> list[Context]:
    """Return the trace contexts of a run's `number` tasks; only one where they share the run's, as tracing is off."""
    first = _task_context(run)
    if first.get("traceparent") == run["context_carrier"].get("traceparent"):
        return [first]
    return [first, *(_task_context(run) for _ in range(1, number))]


def _task_context(run: Mapping[str, Any]) -> Context:
    context: Context = new_task_run_carrier(run["context_carrier"])  # type: ignore[no-untyped-call]  # Airflow's
    return context
