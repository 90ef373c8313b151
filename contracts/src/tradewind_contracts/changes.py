"""What happened to the runs, in pages: `GET /workflows/changes`."""

from pydantic import BaseModel, Field

from tradewind_contracts.events import WorkflowStatusChanged


class ChangePage(BaseModel):
    """Changes since a cursor, at least once each: `event_id` tells repeats.

    Events of one run stand in their order. `cursor` continues after this page, on any server, and never expires.
    """

    events: list[WorkflowStatusChanged]
    cursor: str = Field(max_length=200)
