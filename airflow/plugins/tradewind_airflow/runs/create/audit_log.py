"""The row in Airflow's audit log (`log`) that each created run gets: who made it, for which event; no payload."""

import json
from collections.abc import Collection
from typing import Any

from airflow._shared.timezones import timezone
from airflow.models.log import Log
from sqlalchemy import insert
from sqlalchemy.orm import Session

from tradewind_airflow.runs.create.run_requests import RunRequest

EVENT = "tradewind_trigger"
"""`event` of such a row."""

_AUDIT = insert(Log.__table__)


def write(session: Session, requests: Collection[RunRequest], user_name: str) -> None:
    """Write the rows of runs that were just made, in their own transaction: no run without its row, no row alone."""
    if rows := [_row(request, user_name) for request in requests]:
        session.execute(_AUDIT, rows)


def _row(request: RunRequest, user_name: str) -> dict[str, Any]:
    return {
        "dttm": timezone.utcnow(),
        "event": EVENT,
        "owner": user_name,
        "owner_display_name": user_name,
        "dag_id": request.dag.dag_id,
        "run_id": request.run_id,
        "extra": origin(request),
    }


def origin(request: RunRequest) -> str:
    """Return what the row tells of the event that asked for the run, as JSON (`extra`)."""
    event = request.item.origin
    return json.dumps({"event_id": event.event_id, "source": event.source} if event else {})
