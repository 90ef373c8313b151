"""Cursors: what is written is read, what is not ours is refused, and repeats are told apart by marks."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.feed.cursors import MAX_LENGTH, Cursor, CursorError, Mark, Start, decode, encode, since
from tradewind_airflow.feed.looks import HALF, Horizon
from tradewind_airflow.feed.told import Told, digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
instants = st.integers(0, 2**54).map(lambda micros: EPOCH + timedelta(microseconds=micros))
numbers = st.integers(0, 2**62)
marks = st.builds(Mark, st.sampled_from(["pg", "0a1b2c3d"]), numbers)
starts = st.builds(Start, instants, marks)
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
def test_a_cursor_between_two_sweeps_is_what_was_written(
    start: Start, paused: str, flip: tuple[str, int] | None
) -> None:
    cursor = Cursor(start, paused, flip=flip)
    assert decode(encode(cursor)) == cursor
    assert len(encode(cursor)) <= MAX_LENGTH


@given(starts, digests, st.tuples(instants, numbers), starts)
def test_a_cursor_within_a_sweep_is_what_was_written(
    start: Start, paused: str, after: tuple[datetime, int], following: Start
) -> None:
    cursor = Cursor(start, paused, after, following)
    assert decode(encode(cursor)) == cursor
    assert len(encode(cursor)) <= MAX_LENGTH
    assert cursor.is_within


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
def test_what_is_not_ours_is_refused(text: str) -> None:
    assert decode(GOOD)
    with pytest.raises(CursorError):
        decode(text)


@given(st.text(max_size=300))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    with contextlib.suppress(CursorError):
        decode(text)


def test_an_instant_to_begin_at_is_bounded() -> None:
    assert since(datetime.min.replace(tzinfo=UTC)).start.floor == EPOCH
    assert since(EPOCH + timedelta(1)).start.floor == EPOCH + timedelta(1)
    assert since(datetime.max.replace(tzinfo=UTC)).start.floor <= datetime.now(UTC)


HORIZON = Horizon(Start(datetime(2026, 1, 1, tzinfo=UTC), Mark("pg", 1000)), 1010)


@pytest.mark.parametrize(
    ("mark", "is_known"),
    [
        (Mark("pg", 1000), True),
        (Mark("pg", 1010), True),
        (Mark("pg", 3), True),
        # Of a cluster that was restored, or of another one.
        (Mark("pg", 1011), False),
        (Mark("0a1b2c3d", 5), False),
    ],
)
def test_only_marks_of_the_same_order_are_compared(mark: Mark, *, is_known: bool) -> None:
    assert HORIZON.knows(mark) is is_known


def test_a_mark_from_half_way_round_the_circle_of_transactions_is_not_compared() -> None:
    assert not Horizon(HORIZON.start, HALF + 10).knows(Mark("pg", 10))
    assert Horizon(HORIZON.start, HALF + 10).knows(Mark("pg", 11))


def test_an_event_is_told_once_to_who_came_after_it_was_seen() -> None:
    told = Told()
    assert not told.is_told("e", Mark("pg", 10))
    told.tell("e", Mark("pg", 8))
    told.tell("e", Mark("pg", 20))
    assert told.is_told("e", Mark("pg", 8))
    assert told.is_told("e", Mark("pg", 10))
    assert not told.is_told("e", Mark("pg", 7))
    assert not told.is_told("e", Mark("other", 10))


def test_who_knows_the_paused_dags_of_before_is_told_the_difference() -> None:
    told = Told()
    assert told.flipped("", frozenset("ab")) is None
    assert told.flipped(digest("ab"), frozenset("bc")) == frozenset("ac")
    assert told.flipped(digest("ab"), frozenset("ab")) == frozenset()
    assert told.flipped(digest("x"), frozenset("ab")) is None
