"""Events to Kafka records and back: CloudEvents 1.0, Kafka protocol binding.

Written in binary mode: the value is the brief's JSON, the headers are the `ce_` attributes. Read in all three forms:
binary mode, structured mode (`content-type: application/cloudevents+json`) and the brief's plain JSON with no headers.
What the JSON leaves out is taken from the attributes; where both speak, they must agree.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tradewind_contracts import json_text, run_ids
from tradewind_contracts.events import ADAPTER, EVENT_TYPES, Event
from tradewind_contracts.problems import FieldError, pointer

Headers = list[tuple[str, bytes]]

_STRUCTURED = b"application/cloudevents"
_JSON_NAMES = {
    "id": "event_id",
    "source": "source",
    "type": "event_type",
    "time": "timestamp",
    "subject": "workflow_run_id",
}
"""CloudEvents attribute -> field of the brief's JSON."""


@dataclass(frozen=True)
class Record:
    """What is produced to Kafka."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class Decoded:
    """An event, and the trace context (W3C `traceparent`) it came with."""

    event: Event
    traceparent: str | None = None


class DecodeError(ValueError):
    """A record that holds no event of ours.

    `reason` is a stable word: a `JsonFault`, ``empty``, ``not-an-object``, ``unknown-event-type``, ``invalid-event`` or
    ``attributes-disagree``. `errors` point into the event's JSON.
    """

    def __init__(self, reason: str, detail: str, errors: Iterable[FieldError] = ()) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.errors = list(errors)


def encode(event: Event, traceparent: str | None = None) -> Record:
    """Return the record of an event, in CloudEvents binary mode."""
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": event.source,
        "ce_type": event.event_type,
        "ce_time": event.timestamp.isoformat(),
        "ce_subject": event.workflow_run_id,
        "content-type": "application/json",
    }
    if traceparent:
        # The extension keeps the origin; the plain header is the live hop.
        attributes |= {"ce_traceparent": traceparent, "traceparent": traceparent}
    headers = [(name, text.encode()) for name, text in attributes.items()]
    return Record(event.key, event.model_dump_json(exclude_none=True).encode(), headers)


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes | None]] | None = None) -> Decoded:
    """Return the event of a record; raise `DecodeError`, and nothing else, for whatever a stranger may have sent."""
    attributes = _text_headers(headers or ())
    document = _document(value)
    if attributes.get("content-type", "").encode().startswith(_STRUCTURED):
        document, found = _unfold(document)
    else:
        found = {name[3:]: text for name, text in attributes.items() if name.startswith("ce_")}
    traceparent = attributes.get("traceparent") or found.get("traceparent")
    return Decoded(_event(_merge(document, found)), traceparent if traceparent and len(traceparent) <= 55 else None)


def _text_headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    try:
        return {name.lower(): (raw or b"").decode("utf-8") for name, raw in headers if _is_ours(name.lower())}
    except UnicodeDecodeError as error:
        raise DecodeError(json_text.JsonFault.NOT_UTF8, f"a CloudEvents header is not UTF-8: {error.reason}") from error


def _is_ours(name: str) -> bool:
    return name.startswith("ce_") or name in {"content-type", "traceparent"}


def _document(value: bytes | None) -> dict[str, Any]:
    if not value:
        raise DecodeError("empty", "the record has no value")
    try:
        document = json_text.loads(value)
    except json_text.JsonError as error:
        raise DecodeError(error.fault, error.detail) from error
    if not isinstance(document, dict):
        raise DecodeError("not-an-object", f"the value is a JSON {type(document).__name__}, not an object")
    return document


def _unfold(envelope: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    data = envelope.get("data")
    if not isinstance(data, dict):
        raise DecodeError("not-an-object", "a structured CloudEvent's `data` must be the event's JSON object")
    return data, {name: text for name, text in envelope.items() if isinstance(text, str)}


def _merge(document: Mapping[str, Any], attributes: Mapping[str, str]) -> dict[str, Any]:
    merged = dict(document)
    for attribute, field in _JSON_NAMES.items():
        if attribute not in attributes:
            continue
        # Times are compared by nobody: two spellings of one instant are not a contradiction.
        if field != "timestamp" and merged.get(field, attributes[attribute]) != attributes[attribute]:
            found = FieldError(pointer=pointer([field]), detail=f"differs from the CloudEvents attribute `{attribute}`")
            raise DecodeError("attributes-disagree", f"`{field}` and the attribute `{attribute}` disagree", [found])
        merged.setdefault(field, attributes[attribute])
    return _with_run_id(merged)


def _with_run_id(document: dict[str, Any]) -> dict[str, Any]:
    identity = (document.get("source"), document.get("event_id"))
    match identity:
        case (str(source), str(event_id)) if "workflow_run_id" not in document:
            return {**document, "workflow_run_id": run_ids.from_event(source, event_id)}
    return document


def _event(document: dict[str, Any]) -> Event:
    kind = document.get("event_type")
    if isinstance(kind, str) and kind not in EVENT_TYPES:
        raise DecodeError("unknown-event-type", f"{kind[:80]!r} is not an event of ours")
    try:
        return ADAPTER.validate_python(document | _identified(document))
    except ValidationError as error:
        found = field_errors(error)
        raise DecodeError("invalid-event", "; ".join(f"{e.pointer} {e.detail}" for e in found[:5]), found) from error


def _identified(document: Mapping[str, Any]) -> dict[str, Any]:
    # An event without an identity would get a new one at each delivery, and so a run at each.
    return {name: document.get(name) for name in ("event_id", "timestamp")}


def field_errors(error: ValidationError) -> list[FieldError]:
    """Return pydantic's findings as JSON pointers; at most 50, and never the input itself."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:50]
    return [FieldError(pointer=pointer([s for s in e["loc"] if s not in EVENT_TYPES]), detail=e["msg"]) for e in found]
