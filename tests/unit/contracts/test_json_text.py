"""JSON that is rejected, and with which fault. `test_records_hostile.py` has the texts; here are the rules' edges."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from support.event_values import json_values
from tradewind_contracts import json_text
from tradewind_contracts.json_text import JsonError, JsonFault, JsonObject


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_json_error(data: bytes) -> None:
    try:
        value = json_text.loads(data)
    except JsonError as refused:
        assert isinstance(refused.fault, JsonFault)  # noqa: PT017  # either outcome is right for some bytes
    else:
        assert json.loads(data) == value


@given(text=st.text('[]{}",:0123456789.eE-+ \\u\nNaIfitrulsd', max_size=80))
def test_almost_json_raises_only_json_error(text: str) -> None:
    try:
        json_text.loads(text.encode())
    except JsonError as refused:
        assert refused.detail  # noqa: PT017  # as above


@given(value=json_values, ascii_only=st.booleans(), indent=st.none() | st.just(1))
def test_what_json_writes_is_read_back(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert json.dumps(json_text.loads(text.encode())) == json.dumps(value)


def _nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def test_the_depth_limit_is_exact() -> None:
    json_text.check(_nested(json_text.MAX_DEPTH))
    with pytest.raises(JsonError) as caught:
        json_text.check(_nested(json_text.MAX_DEPTH + 1))
    assert caught.value.fault is JsonFault.TOO_DEEP
    json_text.loads(b"[[1]]", max_depth=2)
    with pytest.raises(JsonError, match="deeper than 1 levels"):
        json_text.loads(b"[[1]]", max_depth=1)


def test_the_size_limit_is_exact() -> None:
    assert json_text.loads(b'"aa"', max_bytes=4) == "aa"
    with pytest.raises(JsonError, match="5 bytes; at most 4") as caught:
        json_text.loads(b'"aaa"', max_bytes=4)
    assert caught.value.fault is JsonFault.TOO_LARGE


@pytest.mark.parametrize("text", [b"9223372036854775807", b"-9223372036854775808"])
def test_integers_of_64_bits_are_kept(text: bytes) -> None:
    assert json_text.loads(text) == int(text)


@pytest.mark.parametrize("text", [b"9223372036854775808", b"-9223372036854775809", b"-" + b"1" * 9999])
def test_larger_integers_are_named_and_not_quoted_in_full(text: bytes) -> None:
    with pytest.raises(JsonError, match="more than 64 bits; send it as a string") as caught:
        json_text.loads(b'{"a": [' + text + b"]}")
    assert caught.value.fault is JsonFault.NOT_A_NUMBER
    assert len(caught.value.detail) < 100


def test_a_parsed_integer_is_checked_however_it_arrived() -> None:
    with pytest.raises(JsonError):
        json_text.check({"a": 10**5000})


def test_long_keys_are_taken_and_never_quoted_in_full() -> None:
    key = b"k" * 100_000
    assert json_text.loads(b'{"' + key + b'": 1}') == {key.decode(): 1}
    with pytest.raises(JsonError) as caught:
        json_text.loads(b'{"' + key + b'": 1, "' + key + b'": 2}')
    assert caught.value.fault is JsonFault.DUPLICATE_KEY
    assert len(caught.value.detail) < 200


def test_same_keys_in_different_objects_are_no_duplicates() -> None:
    assert json_text.loads(b'{"a": {"a": 1}, "b": [{"a": 2}]}') == {"a": {"a": 1}, "b": [{"a": 2}]}


def test_the_largest_values_are_accepted_and_the_next_rejected() -> None:
    assert json_text.loads(b"[1.7976931348623157e308, 1e-999, -0.0]") == [1.7976931348623157e308, 0.0, 0.0]
    with pytest.raises(JsonError, match="too large for a number"):
        json_text.loads(b"1.8e308")


@pytest.mark.parametrize("text", ["\0", "\ud800", "ok\udfff", "a\0b"])
def test_text_that_cannot_be_stored(text: str) -> None:
    for value in (text, {text: 1}, [{"deep": (text,)}]):
        with pytest.raises(JsonError) as caught:
            json_text.check(value)
        assert caught.value.fault is JsonFault.UNSTORABLE_TEXT


@pytest.mark.parametrize("bad", [{"a": float("nan")}, {"a": [float("-inf")]}, {"a": "\0"}, {"a": _nested(40)}])
def test_the_models_check_what_no_text_brought(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(JsonObject).validate_python(bad)
