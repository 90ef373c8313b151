"""`DagRun.conf` of a run that Tradewind made: the parameters, and one reserved key for where the run comes from."""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from tradewind_contracts.batches import BatchItem
from tradewind_contracts.workflows import Priority

RESERVED_KEY = "_tradewind"


class RunEnvelope(BaseModel):
    """`conf["_tradewind"]`: the request's priority, and the event that asked for the run if there was one.

    A task reads it as `RunEnvelope.model_validate(context["dag_run"].conf["_tradewind"])`.
    """

    priority: Priority = 0
    event_id: str | None = Field(default=None, description="CloudEvents `id`")
    source: str | None = Field(default=None, description="CloudEvents `source`")
    timestamp: AwareDatetime | None = Field(default=None, description="CloudEvents `time`")
    traceparent: str | None = Field(default=None, description="W3C Trace Context")


def conf_of(item: BatchItem) -> dict[str, Any]:
    """Return the `conf` that a run of `item` gets."""
    origin = item.origin.model_dump() if item.origin else {}
    envelope = RunEnvelope(priority=item.priority, **origin)
    return {**item.parameters, RESERVED_KEY: envelope.model_dump(mode="json", exclude_none=True)}


def parameters_of(conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters that a run was given, whoever made it."""
    return {name: value for name, value in (conf or {}).items() if name != RESERVED_KEY}


def priority_of(conf: Mapping[str, Any] | None) -> int:
    """Return the priority that a run was asked for with; 0 where it was not made by us."""
    envelope = (conf or {}).get(RESERVED_KEY)
    priority = envelope.get("priority") if isinstance(envelope, dict) else None
    return priority if isinstance(priority, int) else 0
