"""The events, as they stand in a record's value: the brief's JSON, one model per shape.

The types form a tagged union on `event_type`; `ADAPTER` picks the model. Consumers ignore fields they do not know, so
that an event may grow. An event's Kafka key is its run id: all that concerns one run stays in order.
"""

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationInfo, field_validator

from tradewind_contracts.json_text import JsonObject, JsonValue
from tradewind_contracts.run_ids import RunId, TriggeredRunId
from tradewind_contracts.workflows import Priority, RunStatus, WorkflowId, WorkflowType

SCHEMA_VERSION = "1.0"

Identifier = Annotated[str, Field(min_length=1, max_length=250)]


class EventModel(BaseModel):
    """A part of an event: immutable, and open for fields to come."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Metadata(EventModel):
    """Where an event comes from, and which version of these models wrote it."""

    environment: str = Field(default="dev", max_length=64)
    version: str = Field(default=SCHEMA_VERSION, max_length=16)


class _Event(EventModel):
    event_id: Identifier = Field(default_factory=lambda: str(uuid.uuid4()))
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    source: Identifier
    workflow_id: WorkflowId
    workflow_type: WorkflowType
    workflow_run_id: RunId
    metadata: Metadata = Metadata()

    @property
    def key(self) -> bytes:
        """The record's key."""
        return self.workflow_run_id.encode()


class TriggerPayload(EventModel):
    """What the run is given."""

    parameters: JsonObject = Field(default_factory=dict)
    priority: Priority = 0


class WorkflowTriggered(_Event):
    """Someone asks for a run. `(source, event_id)` is the event's identity, `workflow_run_id` the run's."""

    event_type: Literal["workflow.triggered"] = "workflow.triggered"
    workflow_run_id: TriggeredRunId
    payload: TriggerPayload = TriggerPayload()


class CancelMode(StrEnum):
    """How a run is ended: at its next safe point, or at once."""

    GRACEFUL = "graceful"
    FORCE = "force"


class CancelPayload(EventModel):
    """How, and why."""

    mode: CancelMode = CancelMode.GRACEFUL
    reason: str | None = Field(default=None, max_length=1000)


class CancelRequested(_Event):
    """Someone asks for a run's end."""

    event_type: Literal["workflow.cancel_requested"] = "workflow.cancel_requested"
    payload: CancelPayload = CancelPayload()


class ResumePayload(EventModel):
    """The answer to one open question of a waiting run."""

    interrupt_id: Identifier
    value: JsonValue = None


class ResumeRequested(_Event):
    """Someone answers a waiting run."""

    event_type: Literal["workflow.resume_requested"] = "workflow.resume_requested"
    payload: ResumePayload


class StatusPayload(EventModel):
    """Where the run is now; `status` agrees with the event's type."""

    status: RunStatus
    progress: float = Field(default=0.0, ge=0, le=1)
    result: JsonValue = None
    error: str | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class WorkflowStatusChanged(_Event):
    """A run came into a state, as its engine committed it. Delivered at least once: `event_id` tells repeats."""

    event_type: Literal[
        "workflow.queued",
        "workflow.held",
        "workflow.running",
        "workflow.waiting",
        "workflow.succeeded",
        "workflow.failed",
        "workflow.cancelled",
    ]
    payload: StatusPayload

    @field_validator("payload")
    @classmethod
    def _agrees(cls, payload: StatusPayload, info: ValidationInfo) -> StatusPayload:
        kind = info.data.get("event_type", "")
        if kind and kind != f"workflow.{payload.status}":
            raise ValueError(f"the status `{payload.status}` disagrees with the event type `{kind}`")
        return payload


Event = WorkflowTriggered | CancelRequested | ResumeRequested | WorkflowStatusChanged
ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event_type")])
EVENT_TYPES = frozenset(
    name
    for model in (WorkflowTriggered, CancelRequested, ResumeRequested, WorkflowStatusChanged)
    for name in model.model_fields["event_type"].annotation.__args__  # type: ignore[union-attr]  # a Literal has them
)
