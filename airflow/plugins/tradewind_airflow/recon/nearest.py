"""Pairs rows within one block of candidates, the nearest first."""

from collections.abc import Callable
from decimal import Decimal

from tradewind_airflow.recon.trades import Trade

NEIGHBOURS = 16
"""Rows of the other side that a row is compared with, upwards and downwards of it in sorted order.

It bounds the work in a block of n rows to n x 32. A market maker's thousand fills of one security would else be a
million comparisons.
"""

Taken = tuple[list[tuple[Trade, Trade]], list[Trade], list[Trade]]


def pair_nearest(ours: list[Trade], theirs: list[Trade], admits: Callable[[Trade, Trade], bool]) -> Taken:
    """Return pairs, the nearest first, and what is left on either side; no row is in two pairs."""
    if len(ours) == len(theirs) == 1:
        return ([(ours[0], theirs[0])], [], []) if admits(ours[0], theirs[0]) else ([], ours, theirs)
    pairs: list[tuple[Trade, Trade]] = []
    while ours and theirs:
        made = _round(ours, theirs, admits)
        if not made:
            break
        pairs += made
        ours = _without(ours, {id(a) for a, _ in made})
        theirs = _without(theirs, {id(b) for _, b in made})
    return pairs, ours, theirs


def distance(one: Trade, other: Trade) -> Decimal:
    """Return the distance of two rows: symmetric, and 0 for equal ones."""
    amounts = (
        (one.quantity, other.quantity),
        (one.price, other.price),
        (one.net_money, other.net_money),
    )
    apart = sum((abs(a - b) / max(a, b) for a, b in amounts if a != b), Decimal(0))
    days = abs((one.settlement_date - other.settlement_date).days) + abs((one.trade_date - other.trade_date).days)
    return apart + days + 10 * sum(a != b for a, b in zip(one[6:9], other[6:9], strict=True))


def _round(ours: list[Trade], theirs: list[Trade], admits: Callable[[Trade, Trade], bool]) -> list[tuple[Trade, Trade]]:
    candidates = [(a, b) for a, b in _neighbours(ours, theirs) if admits(a, b)]
    # Ties are broken by content, so neither the rows' order nor which side is "us" matters: two pairs that compete for
    # a row are compared by their other rows alone.
    candidates.sort(key=lambda pair: (distance(*pair), pair[0].content, pair[1].content))
    taken: set[int] = set()
    made = []
    for a, b in candidates:
        if id(a) not in taken and id(b) not in taken:
            taken |= {id(a), id(b)}
            made.append((a, b))
    return made


def _neighbours(ours: list[Trade], theirs: list[Trade]) -> list[tuple[Trade, Trade]]:
    ranked = sorted([(a.content, 0, a) for a in ours] + [(b.content, 1, b) for b in theirs], key=lambda entry: entry[0])
    recent: tuple[list[Trade], list[Trade]] = ([], [])
    pairs: list[tuple[Trade, Trade]] = []
    for _, side, trade in ranked:
        others = recent[1 - side][-NEIGHBOURS:]
        pairs += [(trade, other) if side == 0 else (other, trade) for other in others]
        recent[side].append(trade)
    return pairs


def _without(trades: list[Trade], gone: set[int]) -> list[Trade]:
    return [trade for trade in trades if id(trade) not in gone]
