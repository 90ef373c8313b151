"""The status events of a run."""

import json
import uuid
from datetime import UTC, datetime

from tradewind_agents.runs import AgentRun
from tradewind_contracts.events import Metadata, StatusPayload, WorkflowStatusChanged
from tradewind_contracts.workflows import RunStatus, WorkflowType

SOURCE = "tradewind/langgraph"

MAX_RESULT = 512 * 1024
"""Largest result in an event, in bytes; a larger one is only in the status response."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tradewind:langgraph:status")


def event_id(run_id: str, status: RunStatus) -> str:
    """Return the UUIDv5 of a run and status: duplicates of the event have the same id."""
    return str(uuid.uuid5(_NAMESPACE, f"{run_id}:{status}"))


def running(run: AgentRun, environment: str) -> WorkflowStatusChanged:
    """Return the event of a run's start."""
    payload = StatusPayload(status=RunStatus.RUNNING, started_at=run.started_at)
    return _event(run, payload, run.started_at, environment)


def ended(run: AgentRun, environment: str) -> WorkflowStatusChanged:
    """Return the event of a run's end, from its row."""
    payload = StatusPayload(
        status=run.status,
        progress=1.0,
        result=run.result if len(json.dumps(run.result)) <= MAX_RESULT else None,
        error=run.error,
        started_at=run.started_at,
        completed_at=run.completed_at,
    )
    return _event(run, payload, run.completed_at, environment)


def _event(run: AgentRun, payload: StatusPayload, at: datetime | None, environment: str) -> WorkflowStatusChanged:
    return WorkflowStatusChanged.model_validate(
        {
            "event_id": event_id(run.run_id, payload.status),
            "event_type": f"workflow.{payload.status}",
            "timestamp": at or datetime.now(UTC),
            "source": SOURCE,
            "workflow_id": run.workflow_id,
            "workflow_type": WorkflowType.LANGGRAPH,
            "workflow_run_id": run.run_id,
            "payload": payload,
            "metadata": Metadata(environment=environment),
        }
    )
