"""Whatever an event holds, it comes back the same, in each of the three forms."""

import json
from typing import Any

import pytest
from hypothesis import given

from support.event_values import events, identifiers, json_objects
from tradewind_contracts import json_text, records, run_ids
from tradewind_contracts.events import Event, WorkflowTriggered
from tradewind_contracts.records import DecodeError

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def _structured(record: records.Record) -> bytes:
    attributes = {name[3:]: _text(raw) for name, raw in record.headers if name.startswith("ce_")}
    return json.dumps({**attributes, "data": json.loads(record.value)}, ensure_ascii=False).encode()


def _text(raw: str | bytes | None) -> str:
    assert isinstance(raw, bytes)
    return raw.decode()


@given(event=events)
def test_binary_mode(event: Event) -> None:
    record = records.encode(event, TRACE)
    assert records.decode(record.value, record.headers) == records.Decoded(event, TRACE)


@given(event=events)
def test_plain_json(event: Event) -> None:
    assert records.decode(records.encode(event).value).event == event


@given(event=events)
def test_structured_mode(event: Event) -> None:
    value = _structured(records.encode(event, TRACE))
    headers = [("content-type", b"application/cloudevents+json; charset=utf-8")]
    assert records.decode(value, headers) == records.Decoded(event, TRACE)


@given(event=events)
def test_the_key_is_the_run_id(event: Event) -> None:
    assert records.encode(event).key.decode() == event.workflow_run_id


@given(parameters=json_objects)
def test_parameters_are_kept_to_the_last_null(parameters: dict[str, Any]) -> None:
    event = WorkflowTriggered.model_validate(_trigger(parameters=parameters))
    decoded = records.decode(records.encode(event).value).event
    assert isinstance(decoded, WorkflowTriggered)
    assert json.dumps(decoded.payload.parameters) == json.dumps(parameters)


@given(event=events)
def test_fields_to_come_are_ignored(event: Event) -> None:
    value = json.loads(records.encode(event).value)
    value |= {"tomorrow": {"a": 1}, "metadata": value["metadata"] | {"region": "eu"}}
    assert records.decode(json.dumps(value).encode()).event == event


@given(source=identifiers, event_id=identifiers)
def test_a_trigger_without_run_id_gets_the_one_of_its_identity(source: str, event_id: str) -> None:
    value = _trigger(source=source, event_id=event_id)
    del value["workflow_run_id"]
    first = records.decode(json.dumps(value).encode()).event
    assert first.workflow_run_id == run_ids.from_event(source, event_id)
    assert records.decode(json.dumps(value | {"workflow_run_id": None}).encode()).event == first


def test_the_attributes_fill_what_the_json_leaves_out() -> None:
    value = _trigger()
    headers = [
        ("ce_id", b"from-header"),
        ("ce_source", b"urn:desk"),
        ("ce_type", b"workflow.triggered"),
        ("ce_time", b"2026-11-20T10:00:00+01:00"),
        ("ce_subject", b"isin/US0378331005"),
    ]
    for name in ("event_id", "source", "event_type", "timestamp", "workflow_run_id"):
        del value[name]
    event = records.decode(json.dumps(value | {"source": None}).encode(), headers).event
    assert (event.event_id, event.source, event.timestamp.isoformat()) == (
        "from-header",
        "urn:desk",
        "2026-11-20T10:00:00+01:00",
    )
    # The subject is another producer's business: two events about one security are two runs.
    assert event.workflow_run_id == run_ids.from_event("urn:desk", "from-header")


def test_a_plain_traceparent_header_is_the_live_hop() -> None:
    later = TRACE.replace("00f067aa0ba902b7", "aaaaaaaaaaaaaaaa")
    headers = [("ce_traceparent", TRACE.encode()), ("traceparent", later.encode())]
    assert records.decode(json.dumps(_trigger()).encode(), headers).traceparent == later


def test_a_traceparent_that_is_too_long_is_dropped() -> None:
    assert records.decode(json.dumps(_trigger()).encode(), [("traceparent", b"0" * 56)]).traceparent is None


def test_what_an_api_accepts_every_consumer_accepts() -> None:
    """The APIs' limits are for the request's body; the event that is made from it is larger and deeper."""
    deep: Any = "x"
    for _ in range(json_text.MAX_DEPTH - 1):
        deep = [deep]
    parameters = {"deep": deep, "large": "é" * ((json_text.MAX_BYTES - 100) // 2)}
    event = WorkflowTriggered.model_validate(_trigger(parameters=parameters))
    record = records.encode(event)
    assert len(record.value) > json_text.MAX_BYTES
    assert records.decode(record.value, record.headers).event == event
    headers = [("Content-Type", b"Application/CloudEvents+JSON")]
    assert records.decode(_structured(record), headers).event == event


@pytest.mark.parametrize("is_structured", [False, True])
def test_parameters_have_the_same_limit_in_every_form_of_a_record(is_structured: bool) -> None:
    deep: Any = "x"
    for _ in range(json_text.MAX_DEPTH):
        deep = [deep]
    value = json.dumps(_trigger(parameters={"deep": deep}))
    headers = [("content-type", b"application/cloudevents+json")] if is_structured else []
    with pytest.raises(DecodeError) as caught:
        records.decode((f'{{"data": {value}}}' if is_structured else value).encode(), headers)
    assert caught.value.reason == "too-deep"


def _trigger(parameters: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "event_id": "e-1",
        "event_type": "workflow.triggered",
        "timestamp": "2026-11-20T09:00:00Z",
        "source": "fastapi",
        "workflow_id": "recon_break_resolution",
        "workflow_type": "airflow",
        "workflow_run_id": "run-1",
        "payload": {"parameters": parameters or {}, "priority": 3},
        **fields,
    }
