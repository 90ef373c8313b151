"""The row in Airflow's audit log (`log`) of each created run: who created it, for which event; no payload."""

import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from airflow.models.log import Log
from sqlalchemy import insert
from sqlalchemy.orm import Session

from tradewind_contracts.batches import BatchItem

EVENT = "tradewind_trigger"
"""`event` of such a row."""

_INSERT = insert(Log.__table__)


def write(session: Session, items: Collection[BatchItem], user_name: str) -> None:
    """Write the rows of runs that were just created, in the same transaction: neither exists without the other."""
    if rows := [_row(item, user_name) for item in items]:
        session.execute(_INSERT, rows)


def _row(item: BatchItem, user_name: str) -> dict[str, Any]:
    return {
        "dttm": datetime.now(UTC),
        "event": EVENT,
        "owner": user_name,
        "owner_display_name": user_name,
        "dag_id": item.workflow_id,
        "run_id": item.workflow_run_id,
        "extra": origin(item),
    }


def origin(item: BatchItem) -> str:
    """Return the row's `extra`: the event that asked for the run, as JSON."""
    event = item.origin
    return json.dumps({"event_id": event.event_id, "source": event.source} if event else {})
