"""Many triggers in one call, an answer for each: `POST /workflows/trigger/batch`."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field

from tradewind_contracts.problems import Problem
from tradewind_contracts.run_ids import RunId, TriggeredRunId
from tradewind_contracts.workflows import MAX_BATCH_ITEMS, RequestModel, RunStatus, WorkflowRequest


class EventOrigin(RequestModel):
    """The event that asked for the run (CloudEvents `id`, `source`, `time`; W3C `traceparent`)."""

    event_id: str = Field(max_length=250)
    source: str = Field(max_length=250)
    timestamp: AwareDatetime
    traceparent: str | None = Field(default=None, max_length=55)


class BatchItem(WorkflowRequest):
    """One trigger of a batch. Without a `workflow_run_id` a new one is made."""

    workflow_run_id: TriggeredRunId | None = None
    origin: EventOrigin | None = None


class BatchRequest(RequestModel):
    """1 to 500 triggers, of any workflows, in the order in which their runs shall be made."""

    items: list[BatchItem] = Field(min_length=1, max_length=MAX_BATCH_ITEMS)


class Outcome(StrEnum):
    """What became of one item.

    ``created``: the run is committed. ``exists``: it had been. ``conflict``: the id stands for another payload.
    ``rejected``: it can never run as it is. ``unavailable``: its workflow cannot be run right now, ask again.
    ``forbidden``: the caller may not trigger it.
    """

    CREATED = "created"
    EXISTS = "exists"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    FORBIDDEN = "forbidden"


class ItemResult(BaseModel):
    """The answer to one item; `problem` is set for all but ``created`` and ``exists``."""

    outcome: Outcome
    workflow_run_id: RunId | None = Field(default=None, description="None for an item that was no trigger at all")
    status: RunStatus | None = None
    problem: Problem | None = None


class BatchResponse(BaseModel):
    """The answers, in the order of the items."""

    items: list[ItemResult]
