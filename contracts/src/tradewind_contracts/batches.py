"""Many triggers in one call, with a result for each: `POST /workflows/trigger/batch`."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, Field

from tradewind_contracts.problems import Problem
from tradewind_contracts.run_ids import RunId, TriggeredRunId
from tradewind_contracts.workflows import MAX_BATCH_ITEMS, RequestModel, RunStatus, WorkflowRequest


class EventOrigin(RequestModel):
    """The event that requested the run (CloudEvents `id`, `source`, `time`; W3C `traceparent`)."""

    event_id: str = Field(max_length=250)
    source: str = Field(max_length=250)
    timestamp: AwareDatetime
    traceparent: str | None = Field(default=None, max_length=55)


class BatchItem(WorkflowRequest):
    """One trigger of a batch. Without a `workflow_run_id` a new one is generated."""

    workflow_run_id: TriggeredRunId | None = None
    origin: EventOrigin | None = None


class BatchRequest(RequestModel):
    """1 to 500 triggers, of any workflows, in the order in which their runs are to be created."""

    items: list[BatchItem] = Field(min_length=1, max_length=MAX_BATCH_ITEMS)


class Outcome(StrEnum):
    """The outcome of one item.

    ``created``: the run is committed. ``exists``: it already was. ``conflict``: the id belongs to a run with another
    payload. ``rejected``: invalid, a retry cannot succeed. ``unavailable``: its workflow cannot run at the moment,
    retry later. ``forbidden``: the caller may not trigger it.
    """

    CREATED = "created"
    EXISTS = "exists"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    UNAVAILABLE = "unavailable"
    FORBIDDEN = "forbidden"


class ItemResult(BaseModel):
    """The result of one item; `problem` is set for all but ``created`` and ``exists``."""

    outcome: Outcome
    workflow_run_id: RunId | None = Field(default=None, description="None for an item that is not a trigger")
    status: RunStatus | None = None
    problem: Problem | None = None


class BatchResponse(BaseModel):
    """The results, in the order of the items."""

    items: list[ItemResult]
