"""Dead letters: the record stays byte for byte, the reason is bounded, and reading a stranger's never raises."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from support.event_values import storable_text
from tradewind_contracts import dead_letters, topics
from tradewind_contracts.dead_letters import HEADER, DeadLetter
from tradewind_contracts.problems import FieldError

headers = st.lists(st.tuples(st.text(max_size=20), st.none() | st.binary(max_size=50)), max_size=5)


def _letter(**fields: Any) -> DeadLetter:
    known: dict[str, Any] = {
        "reason": "not-json",
        "detail": "not JSON: line 1",
        "topic": "workflow-events",
        "partition": 3,
        "offset": 41,
        "consumer_group": topics.AIRFLOW_GROUP,
        "dead_lettered_at": datetime(2026, 11, 20, 9, tzinfo=UTC),
    }
    return DeadLetter.model_validate(known | fields)


@given(original=headers, detail=storable_text)
def test_what_was_written_is_read_and_the_original_is_untouched(
    original: list[tuple[str, bytes | None]], detail: str
) -> None:
    letter = _letter(detail=detail)
    written = dead_letters.headers(letter, original)
    assert written[:-1] == original
    assert dead_letters.read(written) == letter


def test_a_record_dead_lettered_twice_keeps_the_last_reason_only() -> None:
    first = dead_letters.headers(_letter(reason="empty"), [("ce_id", b"1")])
    second = dead_letters.headers(_letter(reason="not-json"), first)
    assert [name for name, _ in second] == ["ce_id", HEADER]
    read = dead_letters.read(second)
    assert read is not None
    assert read.reason == "not-json"


@given(raw=st.none() | st.binary(max_size=100))
def test_a_header_of_another_producer_is_ignored(raw: bytes | None) -> None:
    assert dead_letters.read([("other", b"x"), (HEADER, raw)]) is None


@pytest.mark.parametrize("raw", [b"[" * 10_000, b"{}", b"null", b'{"reason": "\xff"}', b"NaN"])
def test_a_broken_header_is_ignored(raw: bytes) -> None:
    assert dead_letters.read([(HEADER, raw)]) is None
    assert dead_letters.read(None) is None


def test_a_reason_too_long_is_truncated_and_never_rejected() -> None:
    errors = [FieldError(pointer="#/" + "p" * 10_000, detail="d" * 10_000)] * 500
    letter = _letter(detail="é" * 1_000_000, errors=errors)
    assert letter.detail == "é" * dead_letters.MAX_DETAIL
    assert len(letter.errors) == dead_letters.MAX_ERRORS
    written = dead_letters.headers(letter, None)
    assert dead_letters.read(written) == letter
    assert len(written[0][1] or b"") < topics.DEAD_LETTERS.max_message_bytes // 4


def test_a_reason_that_no_utf8_can_hold_is_kept_in_part() -> None:
    letter = _letter(detail="bad \ud800 text", errors=[FieldError(pointer="#/\udfff", detail="x")])
    assert letter.detail == "bad ? text"
    assert dead_letters.read(dead_letters.headers(letter, [])) == letter


def test_repeats_share_an_id_and_others_do_not() -> None:
    assert _letter().id == _letter(reason="other", dead_lettered_at=datetime.now(UTC)).id
    others = [_letter(offset=42), _letter(partition=4), _letter(topic="t"), _letter(consumer_group="g")]
    assert len({letter.id for letter in [_letter(), *others]}) == 5


def test_a_letter_without_a_position_is_rejected() -> None:
    with pytest.raises(ValidationError):
        _letter(offset=None)
