"""What a run brings to its rows, beside its DAG's template."""

from collections.abc import Collection, Mapping
from types import SimpleNamespace
from typing import Any

from airflow._shared.observability.traces import (
    TASK_SPAN_DETAIL_LEVEL_KEY,
    new_dagrun_trace_carrier,
    new_task_run_carrier,
)
from airflow._shared.timezones import timezone
from airflow.models.dagrun import dagrun_trace_attributes
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.create.run_requests import RunRequest

Row = dict[str, Any]


def run_row(request: RunRequest, user_name: str) -> Row:
    """Return the run's row of `dag_run`, without what it is pinned to as it is written (`catalog.Newest`)."""
    now = timezone.utcnow()
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


def task_context(run: Row) -> Mapping[str, str]:
    """Return the trace context of one of the run's tasks."""
    context: Mapping[str, str] = new_task_run_carrier(run["context_carrier"])  # type: ignore[no-untyped-call]  # Airflow's
    return context


def shared_contexts(runs: Collection[Row]) -> list[Mapping[str, str]] | None:
    """Return the trace context of each run's tasks; None where each task has one of its own, as tracing is on."""
    contexts = [task_context(run) for run in runs]
    of_runs = [run["context_carrier"].get("traceparent") for run in runs]
    return contexts if [context.get("traceparent") for context in contexts] == of_runs else None
