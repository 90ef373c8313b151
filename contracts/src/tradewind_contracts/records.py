"""Events to Kafka records and back: CloudEvents 1.0, Kafka protocol binding.

Written in binary mode: the value is the brief's JSON, the headers are the `ce_` attributes. Read in all three forms:
binary mode, structured mode (`content-type: application/cloudevents+json`) and the brief's plain JSON with no headers.
A field that the JSON omits is taken from the attributes; where both have it, they must agree. `subject` is written for
consumers that filter on it, and never read: other producers set it to what is not a run id, or is not unique.
https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tradewind_contracts import json_text, run_ids
from tradewind_contracts.events import ADAPTER, EVENT_TYPES, Event
from tradewind_contracts.problems import FieldError, pointer
from tradewind_contracts.topics import WORKFLOW_EVENTS

Headers = list[tuple[str, str | bytes | None]]
"""A record's headers, in confluent-kafka's own type."""

_STRUCTURED = "application/cloudevents"
_JSON_NAMES = {
    "id": "event_id",
    "source": "source",
    "type": "event_type",
    "time": "timestamp",
}
"""CloudEvents attribute -> field of the brief's JSON."""

MAX_BYTES = WORKFLOW_EVENTS.max_message_bytes
"""The broker's limit. The APIs accept less (`json_text.MAX_BYTES`), so that no accepted trigger is rejected here."""

MAX_DEPTH = json_text.MAX_DEPTH + 2
"""The parameters' limit plus the levels of the event and its payload. A structured CloudEvent adds one."""


@dataclass(frozen=True)
class Record:
    """What is produced to Kafka."""

    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class Decoded:
    """An event and its trace context (W3C `traceparent`)."""

    event: Event
    traceparent: str | None = None


class DecodeError(ValueError):
    """A record that does not hold a Tradewind event.

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
    headers: Headers = [(name, text.encode()) for name, text in attributes.items()]
    return Record(event.key, event.model_dump_json(exclude_none=True).encode(), headers)


def decode(value: bytes | None, headers: Iterable[tuple[str, str | bytes | None]] | None = None) -> Decoded:
    """Return the event of a record; raise `DecodeError`, and nothing else, whatever the bytes are."""
    attributes = _text_headers(headers or ())
    is_structured = attributes.get("content-type", "").lower().startswith(_STRUCTURED)
    document = _document(value, MAX_DEPTH + is_structured)
    if is_structured:
        document, found = _unfold(document)
    else:
        found = {name[3:]: text for name, text in attributes.items() if name.startswith("ce_")}
    traceparent = attributes.get("traceparent") or found.get("traceparent")
    return Decoded(_event(_merge(document, found)), traceparent if traceparent and len(traceparent) <= 55 else None)


def _text_headers(headers: Iterable[tuple[str, str | bytes | None]]) -> dict[str, str]:
    try:
        return {name.lower(): _text(raw) for name, raw in headers if _is_ours(name.lower())}
    except UnicodeDecodeError as error:
        raise DecodeError(json_text.JsonFault.NOT_UTF8, f"a CloudEvents header is not UTF-8: {error.reason}") from error


def _text(raw: str | bytes | None) -> str:
    return raw if isinstance(raw, str) else (raw or b"").decode("utf-8")


def _is_ours(name: str) -> bool:
    return name.startswith("ce_") or name in {"content-type", "traceparent"}


def _document(value: bytes | None, max_depth: int) -> dict[str, Any]:
    if not value:
        raise DecodeError("empty", "the record has no value")
    try:
        document = json_text.loads(value, max_bytes=MAX_BYTES, max_depth=max_depth)
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
        # Times are not compared: one instant can be written in several ways.
        if merged.get(field) is None:
            merged[field] = attributes[attribute]
        elif field != "timestamp" and merged[field] != attributes[attribute]:
            found = FieldError(pointer=pointer([field]), detail=f"differs from the CloudEvents attribute `{attribute}`")
            raise DecodeError("attributes-disagree", f"`{field}` and the attribute `{attribute}` disagree", [found])
    return _with_run_id(merged)


def _with_run_id(document: dict[str, Any]) -> dict[str, Any]:
    # Only a trigger may omit the id: a command to a generated run id would be lost silently.
    if document.get("workflow_run_id") is not None:
        return document
    match document:
        case {"event_type": "workflow.triggered", "source": str(source), "event_id": str(event_id)}:
            return document | {"workflow_run_id": run_ids.from_event(source, event_id)}
        case _:
            return {name: value for name, value in document.items() if name != "workflow_run_id"}


def _event(document: dict[str, Any]) -> Event:
    _check_type(document.get("event_type"))
    found = _missing(document, ("event_id", "timestamp"))
    try:
        event = ADAPTER.validate_python(document, context=json_text.PARSED)
    except ValidationError as error:
        raise _invalid(found + field_errors(error)) from error
    if found:
        raise _invalid(found)
    return event


def _check_type(kind: Any) -> None:
    if not isinstance(kind, str):
        detail = "Field required" if kind is None else "Input should be a valid string"
        raise _invalid([FieldError(pointer="#/event_type", detail=detail)])
    if kind not in EVENT_TYPES:
        raise DecodeError("unknown-event-type", f"{kind[:80]!r} is not an event type of Tradewind")


def _missing(document: Mapping[str, Any], names: Iterable[str]) -> list[FieldError]:
    # The models have defaults for events that we write. Here, each delivery would get another identity, and so a run.
    return [FieldError(pointer=pointer([name]), detail="Field required") for name in names if name not in document]


def _invalid(errors: list[FieldError]) -> DecodeError:
    detail = "; ".join(f"{error.pointer} {error.detail}" for error in errors[:5])
    return DecodeError("invalid-event", detail, errors)


def field_errors(error: ValidationError) -> list[FieldError]:
    """Return pydantic's errors with JSON pointers; at most 50, and never the input itself."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:50]
    return [FieldError(pointer=pointer(_path(e["loc"])), detail=e["msg"]) for e in found]


def _path(location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    # pydantic puts the union's tag first, which is not part of the path.
    return location[1:] if location and location[0] in EVENT_TYPES else location
