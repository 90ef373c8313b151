"""Status changes of all runs, in pages: `GET /workflows/changes`."""

from pydantic import BaseModel, Field

from tradewind_contracts.events import WorkflowStatusChanged


class ChangePage(BaseModel):
    """Changes since a cursor, at least once each: duplicates have the same `event_id`.

    Events of one run are in order. `cursor` continues after this page, on any server, and never expires.
    """

    events: list[WorkflowStatusChanged]
    cursor: str = Field(max_length=200)
