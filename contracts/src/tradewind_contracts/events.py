"""The events, as a record's value holds them: the brief's JSON, one model per shape.

The types form a tagged union on `event_type`; `ADAPTER` picks the model. Consumers ignore fields they do not know, so
that fields can be added to an event. An event's Kafka key is its run id: all events of one run stay in order.
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
    """A part of an event: immutable, and unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Metadata(EventModel):
    """The environment that an event comes from, and the version of the models that wrote it."""

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
    """The run's input."""

    parameters: JsonObject = Field(default_factory=dict)
    priority: Priority = 0


class WorkflowTriggered(_Event):
    """A request for a run. `(source, event_id)` is the event's identity, `workflow_run_id` the run's."""

    event_type: Literal["workflow.triggered"] = "workflow.triggered"
    workflow_run_id: TriggeredRunId
    payload: TriggerPayload = TriggerPayload()


class CancelMode(StrEnum):
    """How a run is cancelled: at its next safe point, or immediately."""

    GRACEFUL = "graceful"
    FORCE = "force"


class CancelPayload(EventModel):
    """How to cancel, and why."""

    mode: CancelMode = CancelMode.GRACEFUL
    reason: str | None = Field(default=None, max_length=1000)


class CancelRequested(_Event):
    """A request to cancel a run."""

    event_type: Literal["workflow.cancel_requested"] = "workflow.cancel_requested"
    payload: CancelPayload = CancelPayload()


class ResumePayload(EventModel):
    """The answer to one open question of a waiting run."""

    interrupt_id: Identifier
    value: JsonValue = None


class ResumeRequested(_Event):
    """An answer to a waiting run."""

    event_type: Literal["workflow.resume_requested"] = "workflow.resume_requested"
    payload: ResumePayload


class StatusPayload(EventModel):
    """The run's current state; `status` agrees with the event's type."""

    status: RunStatus
    progress: float = Field(default=0.0, ge=0, le=1)
    result: JsonValue = None
    error: str | None = None
    started_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None


class WorkflowStatusChanged(_Event):
    """A run entered a state, as committed by its engine. At least once: duplicates have the same `event_id`."""

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
