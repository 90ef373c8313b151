"""`DagRun.conf` of a run that Tradewind made or steered: the parameters, and one reserved key for all else.

The key holds what Airflow has no column for: the priority, the event that asked for the run, and the commands since.
Pure functions; a run's `conf` is changed under the lock of its row.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from tradewind_contracts.batches import BatchItem
from tradewind_contracts.commands import RetryScope
from tradewind_contracts.events import CancelMode
from tradewind_contracts.workflows import Priority

RESERVED_KEY = "_tradewind"

KEPT_RETRIES = 20
"""How many retries with an `Idempotency-Key` are remembered, the newest ones."""


class Cancellation(BaseModel):
    """The last cancel of a run. It holds for as long as the run's `clear_number` is the same: a retry ends it.

    `id` is made of caller and `Idempotency-Key`: a cancel that comes again after a retry is not another one.
    """

    id: str | None = None
    mode: CancelMode
    reason: str | None = None
    by: str
    at: AwareDatetime
    clear_number: int
    effective: bool = Field(description="Whether it kept anything from running to its end")


class Retry(BaseModel):
    """A retry that came with an `Idempotency-Key`; `id` is made of caller and key."""

    id: str
    scope: RetryScope


class RunEnvelope(BaseModel):
    """`conf["_tradewind"]`. `priority` is the present one, `asked_priority` the trigger's where that was another.

    A task reads it as `RunEnvelope.model_validate(context["dag_run"].conf["_tradewind"])`.
    """

    priority: Priority = 0
    asked_priority: Priority | None = None
    event_id: str | None = Field(default=None, description="CloudEvents `id`")
    source: str | None = Field(default=None, description="CloudEvents `source`")
    timestamp: AwareDatetime | None = Field(default=None, description="CloudEvents `time`")
    traceparent: str | None = Field(default=None, description="W3C Trace Context")
    cancel: Cancellation | None = None
    retries: list[Retry] = Field(default_factory=list)


def conf_of(item: BatchItem) -> dict[str, Any]:
    """Return the `conf` that a run of `item` gets."""
    origin = item.origin.model_dump() if item.origin else {}
    return with_envelope(item.parameters, RunEnvelope(priority=item.priority, **origin))


def with_envelope(conf: Mapping[str, Any] | None, envelope: RunEnvelope) -> dict[str, Any]:
    """Return `conf` with this envelope in place of its own."""
    kept = envelope.model_dump(mode="json", exclude_none=True)
    if not envelope.retries:
        del kept["retries"]
    return {**(conf or {}), RESERVED_KEY: kept}


def envelope_of(conf: Mapping[str, Any] | None) -> RunEnvelope:
    """Return a run's envelope; an empty one where there is none, or one that Tradewind did not write."""
    return parsed((conf or {}).get(RESERVED_KEY))


def parsed(envelope: Any) -> RunEnvelope:
    """Return the envelope of `conf["_tradewind"]`, as `envelope_of` does."""
    try:
        return RunEnvelope.model_validate({} if envelope is None else envelope)
    except ValidationError:
        return RunEnvelope()


def parameters_of(conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the parameters of a run, whether Tradewind created it or not."""
    return {name: value for name, value in (conf or {}).items() if name != RESERVED_KEY}


def priority_of(conf: Mapping[str, Any] | None) -> int:
    """Return a run's priority; 0 if Tradewind did not create it."""
    return _number(conf, "priority", 0)


def asked_priority_of(conf: Mapping[str, Any] | None) -> int:
    """Return the priority that a run was requested with, whatever it was changed to since."""
    return _number(conf, "asked_priority", priority_of(conf))


def _number(conf: Mapping[str, Any] | None, name: str, default: int) -> int:
    # Read for each task instance that is weighed, so without a model.
    envelope = (conf or {}).get(RESERVED_KEY)
    number = envelope.get(name) if isinstance(envelope, dict) else None
    return number if type(number) is int and 0 <= number <= 10 else default
