"""Cursors: encoding and decoding are inverse, and any other text is refused."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.feed.cursors import MAX_LENGTH, CommitPoint, Cursor, CursorError, Start, decode, encode, since
from tradewind_airflow.feed.sent_events import digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, 2**54).map(lambda micros: EPOCH + timedelta(microseconds=micros))
numbers = st.integers(0, 2**62)
points = st.builds(CommitPoint, st.sampled_from(["pg", "0a1b2c3d"]), numbers)
starts = st.builds(Start, instants, points)
digests = st.lists(st.text(), max_size=3).map(digest)
cursors = st.builds(
    Cursor,
    starts,
    digests,
    st.one_of(st.none(), st.tuples(instants, numbers)),
    st.one_of(st.none(), starts),
    st.one_of(st.none(), st.tuples(digests, numbers)),
)


@given(starts, digests, st.one_of(st.none(), st.tuples(digests, numbers)))
def test_a_cursor_between_two_sweeps_round_trips(start: Start, paused: str, flip: tuple[str, int] | None) -> None:
    cursor = Cursor(start, paused, flip=flip)
    assert decode(encode(cursor)) == cursor
    assert len(encode(cursor)) <= MAX_LENGTH


@given(starts, digests, st.tuples(instants, numbers), starts)
def test_a_cursor_in_a_sweep_round_trips(
    start: Start, paused: str, after: tuple[datetime, int], following: Start
) -> None:
    cursor = Cursor(start, paused, after, following)
    assert decode(encode(cursor)) == cursor
    assert len(encode(cursor)) <= MAX_LENGTH
    assert cursor.is_in_sweep


@given(cursors)
def test_no_cursor_is_too_long(cursor: Cursor) -> None:
    assert len(encode(cursor)) <= MAX_LENGTH
    assert decode(encode(cursor)) == cursor


GOOD = "1.5.pg.7.abc......."


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "a" * 201,
        GOOD.removesuffix("."),
        f"{GOOD}.",
        f"2{GOOD[1:]}",
        GOOD.replace("5", "-5"),
        GOOD.replace("5", ""),
        GOOD.replace("5", "f" * 16),
        GOOD.replace("7", "8" + "0" * 15),
        GOOD.replace("7", " 7"),
        GOOD.replace("pg", "PG"),
        GOOD.replace("abc.", "abc.1"),
        GOOD.replace("abc...", "abc...1"),
        f"{GOOD}1"[:-1] + "x",
        GOOD.replace("abc", "a" * 17),
        GOOD.replace("abc", "\u0660"),
    ],
)
def test_a_foreign_cursor_is_refused(text: str) -> None:
    assert decode(GOOD)
    with pytest.raises(CursorError):
        decode(text)


@given(st.text(max_size=300))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with contextlib.suppress(CursorError):
        decode(text)


def test_the_first_instant_is_bounded() -> None:
    assert since(datetime.min.replace(tzinfo=UTC)).start.floor == EPOCH
    assert since(EPOCH + timedelta(1)).start.floor == EPOCH + timedelta(1)
    assert since(datetime.max.replace(tzinfo=UTC)).start.floor <= datetime.now(UTC)
