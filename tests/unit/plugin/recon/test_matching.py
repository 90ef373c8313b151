"""Matching: laws that hold for any two blotters, and each stage by an example."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.recon_trades import TRADED, lists_of_trades, numbered, trade
from tradewind_airflow.recon.matching import MatchedBy, Matching, Rest, match
from tradewind_airflow.recon.nearest import distance
from tradewind_airflow.recon.tolerances import Tolerances
from tradewind_airflow.recon.trades import Side, Trade

DEFAULTS = Tolerances()
WIDE = Tolerances.model_validate({"quantity": {"tolerance": 1}, "settlement_date": {"tolerance": 1}})
tolerances = st.sampled_from([DEFAULTS, WIDE])


def _said(found: Matching) -> tuple[Counter[object], ...]:
    """What was found, without the lines on which it stands."""
    return (
        Counter((pair.ours.content, pair.theirs.content, pair.matched_by) for pair in found.pairs),
        Counter(one.content for one in found.ours.open),
        Counter(one.content for one in found.theirs.open),
        Counter(one.trade.content for one in found.ours.duplicates),
        Counter(one.trade.content for one in found.theirs.duplicates),
    )


def _mirrored(key: object) -> object:
    assert isinstance(key, tuple)
    ours, theirs, stage = key
    return (theirs, ours, stage)


@given(ours=lists_of_trades, theirs=lists_of_trades, allowed=tolerances)
def test_every_row_comes_out_exactly_once(ours: list[Trade], theirs: list[Trade], allowed: Tolerances) -> None:
    found = match(ours, theirs, allowed)
    assert _lines(found.ours, [pair.ours for pair in found.pairs]) == [one.line for one in ours]
    assert _lines(found.theirs, [pair.theirs for pair in found.pairs]) == [one.line for one in theirs]


def _lines(rest: Rest, paired: list[Trade]) -> list[int]:
    return sorted(one.line for one in [*paired, *rest.open, *(double.trade for double in rest.duplicates)])


@given(ours=lists_of_trades, theirs=lists_of_trades, allowed=tolerances, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(
    ours: list[Trade], theirs: list[Trade], allowed: Tolerances, seed: int
) -> None:
    mixed_ours, mixed_theirs = list(ours), list(theirs)
    random.Random(seed).shuffle(mixed_ours)
    random.Random(seed + 1).shuffle(mixed_theirs)
    assert _said(match(numbered(mixed_ours), numbered(mixed_theirs), allowed)) == _said(match(ours, theirs, allowed))


@given(ours=lists_of_trades, theirs=lists_of_trades, allowed=tolerances)
def test_the_other_side_finds_the_same(ours: list[Trade], theirs: list[Trade], allowed: Tolerances) -> None:
    pairs, our_open, their_open, our_doubles, their_doubles = _said(match(ours, theirs, allowed))
    mirrored = _said(match(theirs, ours, allowed))
    assert mirrored == (
        Counter({_mirrored(key): n for key, n in pairs.items()}),
        their_open,
        our_open,
        their_doubles,
        our_doubles,
    )


@given(ours=lists_of_trades)
def test_a_blotter_agrees_with_itself(ours: list[Trade]) -> None:
    found = match(ours, ours, DEFAULTS)
    assert not found.ours.open
    assert not found.theirs.open
    assert all(pair.ours.content == pair.theirs.content for pair in found.pairs)


@given(ours=lists_of_trades, theirs=lists_of_trades)
def test_the_same_reference_is_never_missing_on_both_sides(ours: list[Trade], theirs: list[Trade]) -> None:
    found = match(ours, theirs, DEFAULTS)
    references = {one.trade_id for one in found.ours.open} & {one.trade_id for one in found.theirs.open}
    assert references <= {""}


@given(one=lists_of_trades, other=lists_of_trades)
def test_distance_is_the_same_both_ways(one: list[Trade], other: list[Trade]) -> None:
    for a, b in zip(one, other, strict=False):
        assert distance(a, b) == distance(b, a) >= 0
        assert (distance(a, b) == 0) == (a.economics == b.economics)


STAGES = [
    (trade(), trade(price="11"), MatchedBy.REFERENCE),
    (trade(), trade(side=Side.SELL, isin="DE0007164600", currency="EUR"), MatchedBy.REFERENCE),
    (trade(), trade(""), MatchedBy.ATTRIBUTES),
    (trade(), trade("T9"), MatchedBy.ATTRIBUTES),
    (trade(), trade("", net_money="1001"), MatchedBy.TOLERANCE),
    (trade(), trade("", price="10.001"), MatchedBy.TOLERANCE),
    (trade(), trade("", price="12"), MatchedBy.QUANTITY),
    (trade(), trade("", net_money="5000"), MatchedBy.QUANTITY),
    (trade(), trade("T9", price="12"), None),
    (trade(), trade("", quantity="101"), None),
    (trade(), trade("", side=Side.SELL), None),
    (trade(), trade("", settlement_date=TRADED + timedelta(days=3)), None),
    (trade(), trade("", trade_date=TRADED - timedelta(days=1)), None),
]


@pytest.mark.parametrize(("ours", "theirs", "stage"), STAGES)
def test_the_stage_that_finds_a_pair(ours: Trade, theirs: Trade, stage: MatchedBy | None) -> None:
    found = match([ours], [theirs], DEFAULTS)
    assert [pair.matched_by for pair in found.pairs] == ([stage] if stage else [])


def test_the_nearest_is_taken_first() -> None:
    ours = [trade("A", 1, net_money="1000.00"), trade("B", 2, net_money="1000.50")]
    theirs = [trade("", 1, net_money="1000.60"), trade("", 2, net_money="1000.10")]
    found = match(ours, theirs, DEFAULTS)
    assert {(pair.ours.line, pair.theirs.line) for pair in found.pairs} == {(1, 2), (2, 1)}


def test_fills_without_reference_are_no_duplicates() -> None:
    found = match([trade("A", 1), trade("B", 2)], [trade("", 1), trade("", 2)], DEFAULTS)
    assert len(found.pairs) == 2
    assert not found.theirs.duplicates


def test_a_reference_listed_twice_with_other_values_is_a_duplicate() -> None:
    found = match([trade("A", 1)], [trade("A", 1, price="12"), trade("A", 2)], DEFAULTS)
    assert [pair.theirs.line for pair in found.pairs] == [2]
    assert [(double.trade.line, double.first.line) for double in found.theirs.duplicates] == [(1, 2)]


def test_many_alike_rows_are_all_paired() -> None:
    """More than a row's neighbours: the rounds go on until nothing is left to pair."""
    ours = [trade(f"O{n}", n, net_money=str(Decimal(1000) + Decimal(n) / 1000)) for n in range(300)]
    theirs = [trade("", n, net_money=str(Decimal("1000.4") + Decimal(n) / 1000)) for n in range(300)]
    found = match(ours, theirs, DEFAULTS)
    assert len(found.pairs) == 300
