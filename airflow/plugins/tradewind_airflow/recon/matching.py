"""Matches their rows to ours. Pure; each row is in the result exactly once.

The stages go from the surest to the least sure, and each takes what the ones before left:

- ``reference``: the same trade_id.
- ``attributes``: all else equal.
- ``tolerance``: the same security, side, currency and trade date, all else within tolerance.
- ``quantity``: likewise, with the same quantity and settlement date, where a side gives no reference. Price or money
  differ, and that is the break.

The result does not depend on the rows' order, and is mirrored when the sides are.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tradewind_airflow.recon.nearest import pair_nearest
from tradewind_airflow.recon.tolerances import Tolerances
from tradewind_airflow.recon.trades import Trade

Key = Callable[[Trade], Hashable]
Admits = Callable[[Trade, Trade], bool]


class MatchedBy(StrEnum):
    """The stage that made a pair."""

    REFERENCE = "reference"
    ATTRIBUTES = "attributes"
    TOLERANCE = "tolerance"
    QUANTITY = "quantity"


class Pair(NamedTuple):
    """Two rows about one trade."""

    ours: Trade
    theirs: Trade
    matched_by: MatchedBy


class Duplicate(NamedTuple):
    """A row that repeats another row of its own file."""

    trade: Trade
    first: Trade


@dataclass
class Rest:
    """One side's rows that are not matched yet, and its duplicates."""

    open: list[Trade]
    duplicates: list[Duplicate] = field(default_factory=list)


@dataclass
class Matching:
    """Every row of both files, once: in a pair, open, or a duplicate."""

    pairs: list[Pair]
    ours: Rest
    theirs: Rest


def match(ours: list[Trade], theirs: list[Trade], tolerances: Tolerances) -> Matching:
    """Match two blotters."""
    found = Matching([], _distinct(ours), _distinct(theirs))
    _join(found, MatchedBy.REFERENCE, lambda trade: trade.trade_id or None, lambda _ours, _theirs: True)
    _join_equal(found)
    _join(found, MatchedBy.TOLERANCE, _security, lambda a, b: _within(a, b, tolerances))
    _join(found, MatchedBy.QUANTITY, _lot, lambda a, b: not (a.trade_id and b.trade_id))
    _sort_out_repeats(found)
    return found


def _distinct(trades: list[Trade]) -> Rest:
    # Without a reference two equal rows are two fills; with one they are the same trade, listed twice.
    rest = Rest([])
    first: dict[Hashable, Trade] = {}
    for trade in trades:
        known = first.setdefault(trade.content, trade) if trade.trade_id else trade
        if known is trade:
            rest.open.append(trade)
        else:
            rest.duplicates.append(Duplicate(trade, known))
    return rest


def _join(found: Matching, stage: MatchedBy, key: Key, admits: Admits) -> None:
    blocks = _blocks(found, key)
    found.ours.open, found.theirs.open = blocks.pop(None, ([], []))
    for ours, theirs in blocks.values():
        pairs, our_rest, their_rest = pair_nearest(ours, theirs, admits)
        found.pairs += [Pair(a, b, stage) for a, b in pairs]
        found.ours.open += our_rest
        found.theirs.open += their_rest


def _join_equal(found: Matching) -> None:
    blocks = _blocks(found, lambda trade: trade.economics)
    found.ours.open, found.theirs.open = [], []
    for ours, theirs in blocks.values():
        ours.sort(key=lambda trade: trade.trade_id)
        theirs.sort(key=lambda trade: trade.trade_id)
        found.pairs += [Pair(a, b, MatchedBy.ATTRIBUTES) for a, b in zip(ours, theirs, strict=False)]
        found.ours.open += ours[len(theirs) :]
        found.theirs.open += theirs[len(ours) :]


def _blocks(found: Matching, key: Key) -> dict[Hashable, tuple[list[Trade], list[Trade]]]:
    blocks: dict[Hashable, tuple[list[Trade], list[Trade]]] = defaultdict(lambda: ([], []))
    for side, trades in enumerate((found.ours.open, found.theirs.open)):
        for trade in trades:
            blocks[key(trade)][side].append(trade)
    return blocks


def _security(trade: Trade) -> Hashable:
    return (trade.isin, trade.side, trade.currency, trade.trade_date)


def _lot(trade: Trade) -> Hashable:
    return (_security(trade), trade.quantity, trade.settlement_date)


def _within(ours: Trade, theirs: Trade, tolerances: Tolerances) -> bool:
    return (
        tolerances.quantity.admits(ours.quantity, theirs.quantity)
        and tolerances.price.admits(ours.price, theirs.price)
        and tolerances.net_money.admits(ours.net_money, theirs.net_money)
        and tolerances.settlement_date.admits(ours.settlement_date, theirs.settlement_date)
    )


def _sort_out_repeats(found: Matching) -> None:
    for rest, paired in (
        (found.ours, [pair.ours for pair in found.pairs]),
        (found.theirs, [pair.theirs for pair in found.pairs]),
    ):
        known = {trade.trade_id: trade for trade in sorted(paired, reverse=True) if trade.trade_id}
        rest.duplicates += [Duplicate(trade, known[trade.trade_id]) for trade in rest.open if trade.trade_id in known]
        rest.open = [trade for trade in rest.open if trade.trade_id not in known]
