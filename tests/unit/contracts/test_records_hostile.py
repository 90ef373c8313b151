"""What a stranger may put on the topic: each gets its named reason, and nothing else is ever raised."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.event_values import json_values
from tradewind_contracts import records
from tradewind_contracts.events import EVENT_TYPES
from tradewind_contracts.records import DecodeError

STRUCTURED = [("content-type", b"application/cloudevents+json")]
GOOD: dict[str, Any] = {
    "event_id": "e-1",
    "event_type": "workflow.triggered",
    "timestamp": "2026-11-20T09:00:00Z",
    "source": "fastapi",
    "workflow_id": "recon_break_resolution",
    "workflow_type": "airflow",
    "workflow_run_id": "run-1",
    "payload": {"parameters": {}, "priority": 3},
    "metadata": {"environment": "dev", "version": "1.0"},
}
UTF8_FAULT = b'{"a": "\xff"}'

REASONS: dict[str, list[bytes | None]] = {
    "empty": [b"", None],
    "not-utf8": [UTF8_FAULT, b"\xfe\xff\x00{", b'{"a":"\xed\xa0\x80"}'],
    "not-json": [b"{", b"hello", b"{'a': 1}", b"[1,]", b"{} {}", b"\xef\xbb\xbf{}", b"\0", b'{"a":"\n"}'],
    "too-large": [b'{"a":"' + b"x" * 10_000_000 + b'"}'],
    "too-deep": [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"[" * 40 + b"]" * 40],
    "not-a-number": [
        b"NaN",
        b'{"a": Infinity}',
        b"[-Infinity]",
        b"1e999",
        b'{"a":-1e999}',
        b"9" * 5000,
        b"9223372036854775808",
    ],
    "duplicate-key": [b'{"a": 1, "a": 2}', b'{"event_id":"a","x":[{"b":1,"b":1}],"event_id":"b"}'],
    "unstorable-text": [rb'{"a": "\u0000"}', rb'{"\ud800": 1}', rb'["\udfff x"]'],
    "not-an-object": [b"[]", b"null", b"3", b'"text"', b"true"],
    "unknown-event-type": [b'{"event_type": "trade.booked"}', b'{"event_type": ""}'],
    "invalid-event": [b"{}", b'{"event_type": 5}', b'{"' + b"k" * 100_000 + b'": 1}'],
}


@pytest.mark.parametrize(
    ("reason", "value"), [pytest.param(r, v, id=f"{r}-{i}") for r, vs in REASONS.items() for i, v in enumerate(vs)]
)
def test_a_value_that_is_no_event_has_a_named_reason(reason: str, value: bytes | None) -> None:
    with pytest.raises(DecodeError) as caught:
        records.decode(value)
    assert caught.value.reason == reason
    assert 0 < len(caught.value.detail) < 1000


@given(value=st.binary(max_size=200), headers=st.lists(st.tuples(st.text(max_size=12), st.none() | st.binary())))
def test_arbitrary_bytes_raise_nothing_else(value: bytes, headers: list[tuple[str, bytes | None]]) -> None:
    with pytest.raises(DecodeError):
        records.decode(value, headers)


HEADER_NAMES = ["ce_id", "ce_source", "ce_type", "ce_time", "ce_subject", "traceparent", "content-type", "other"]


@given(
    document=st.dictionaries(st.sampled_from(sorted(GOOD)), json_values),
    kind=st.sampled_from(sorted(EVENT_TYPES)),
    headers=st.lists(st.tuples(st.sampled_from(HEADER_NAMES), st.none() | st.binary(max_size=20))),
)
def test_almost_an_event_is_decoded_or_rejected(
    document: dict[str, Any], kind: str, headers: list[tuple[str, bytes | None]]
) -> None:
    """Hypothesis finds here any other error that might be raised."""
    value = json.dumps(GOOD | {"event_type": kind} | document).encode()
    try:
        decoded = records.decode(value, headers)
    except DecodeError:
        return
    assert records.decode(records.encode(decoded.event).value).event == decoded.event


WRONG: list[tuple[str, Any]] = [
    ("event_id", 5), ("event_id", ""), ("event_id", "x" * 251), ("event_id", None), ("event_id", ["a"]),
    ("timestamp", "yesterday"), ("timestamp", "2026-11-20T09:00:00"), ("timestamp", {}), ("timestamp", None),
    ("source", 1.5), ("source", ""), ("source", None),
    ("workflow_id", "a b"), ("workflow_id", "../etc/passwd"), ("workflow_id", "x" * 251), ("workflow_id", 1),
    ("workflow_type", "cron"), ("workflow_type", None),
    ("workflow_run_id", "a/b"), ("workflow_run_id", "a..b"), ("workflow_run_id", "scheduled__2026"),
    ("workflow_run_id", "x" * 251), ("workflow_run_id", 7), ("workflow_run_id", "run\n"),
    ("payload", []), ("payload", "x"), ("payload/parameters", []), ("payload/parameters", None),
    ("payload/priority", -1), ("payload/priority", 11), ("payload/priority", "3"), ("payload/priority", True),
    ("payload/priority", 10**15), ("payload/priority", 2.5),
    ("metadata", 1), ("metadata/environment", 1), ("metadata/version", "1" * 17),
]  # fmt: skip


@pytest.mark.parametrize(("path", "bad"), [pytest.param(p, b, id=f"{p}-{i}") for i, (p, b) in enumerate(WRONG)])
def test_a_wrong_field_is_pointed_at(path: str, bad: Any) -> None:
    outer, _, inner = path.partition("/")
    document = GOOD | {outer: GOOD[outer] | {inner: bad} if inner else bad}
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(document).encode())
    assert caught.value.reason == "invalid-event"
    assert [error.pointer for error in caught.value.errors] == [f"#/{path}"]


@pytest.mark.parametrize("name", sorted(set(GOOD) - {"metadata", "payload", "workflow_run_id"}))
def test_a_missing_field_is_reported(name: str) -> None:
    document = {field: value for field, value in GOOD.items() if field != name}
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(document).encode())
    assert [(e.pointer, e.detail) for e in caught.value.errors] == [(f"#/{name}", "Field required")]


@pytest.mark.parametrize("kind", sorted(EVENT_TYPES - {"workflow.triggered"}))
def test_only_a_trigger_may_leave_out_the_run_id(kind: str) -> None:
    document = {field: value for field, value in GOOD.items() if field not in {"workflow_run_id", "payload"}}
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(document | {"event_type": kind}).encode(), [("ce_subject", b"run-1")])
    assert ("#/workflow_run_id", "Field required") in [(e.pointer, e.detail) for e in caught.value.errors]


def test_a_status_that_contradicts_its_type_is_rejected() -> None:
    document = GOOD | {"event_type": "workflow.failed", "payload": {"status": "succeeded"}}
    with pytest.raises(DecodeError, match="disagrees with the event type") as caught:
        records.decode(json.dumps(document).encode())
    assert [error.pointer for error in caught.value.errors] == ["#/payload"]


@pytest.mark.parametrize(
    ("header", "field"), [("ce_id", "event_id"), ("CE_Source", "source"), ("ce_type", "event_type")]
)
def test_attributes_that_disagree_with_the_json(header: str, field: str) -> None:
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(GOOD).encode(), [(header, b"something else")])
    assert caught.value.reason == "attributes-disagree"
    assert [error.pointer for error in caught.value.errors] == [f"#/{field}"]


@pytest.mark.parametrize("headers", [[("ce_id", b"\xff")], [("content-type", b"\xc3\x28")], [("traceparent", b"\x80")]])
def test_headers_that_are_not_utf8(headers: list[tuple[str, bytes]]) -> None:
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(GOOD).encode(), headers)
    assert caught.value.reason == "not-utf8"


def test_headers_of_others_are_left_alone() -> None:
    assert records.decode(json.dumps(GOOD).encode(), [("x-trace", b"\xff\xfe"), ("", None)]).event.event_id == "e-1"


@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": []}, {"data": "text"}, {"data_base64": "e30="}])
def test_structured_mode_without_our_data(data: dict[str, Any]) -> None:
    envelope = {"specversion": "1.0", "id": "e-1", "source": "s", "type": "workflow.triggered", **data}
    with pytest.raises(DecodeError, match="`data`") as caught:
        records.decode(json.dumps(envelope).encode(), STRUCTURED)
    assert caught.value.reason == "not-an-object"


def test_a_batch_of_cloudevents_is_no_event() -> None:
    with pytest.raises(DecodeError) as caught:
        records.decode(b"[{}]", [("content-type", b"application/cloudevents-batch+json")])
    assert caught.value.reason == "not-an-object"


def test_no_detail_repeats_the_input() -> None:
    secret = "tell-nobody " * 20  # a marker, not a password
    document = GOOD | {"workflow_id": secret, "payload": {"priority": secret}}
    with pytest.raises(DecodeError) as caught:
        records.decode(json.dumps(document).encode())
    assert "tell-nobody" not in caught.value.detail + str(caught.value.errors)
