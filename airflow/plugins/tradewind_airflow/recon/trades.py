"""A normalised trade of either file."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Side(StrEnum):
    """The direction, from our point of view."""

    BUY = "buy"
    SELL = "sell"

    @property
    def mirrored(self) -> "Side":
        """The same trade's side from the other party's point of view."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Trade(NamedTuple):
    """One row of a blotter. Amounts are absolute: the side is the direction.

    The fields are in sort order; `line` is the row's position and not part of its content.
    """

    line: int
    quantity: Decimal
    price: Decimal
    net_money: Decimal
    settlement_date: date
    trade_date: date
    isin: str
    side: Side
    currency: str
    trade_id: str
    """The common reference; empty if the file has none."""

    @property
    def content(self) -> tuple[object, ...]:
        """The row's fields."""
        return self[1:]

    @property
    def economics(self) -> tuple[object, ...]:
        """The row's fields without its reference."""
        return self[1:9]

    def as_row(self) -> dict[str, str]:
        """Return the trade with amounts as decimal strings and dates in ISO form."""
        return {name: plain(value) for name, value in self._asdict().items() if name != "line"}

    @classmethod
    def from_row(cls, row: list[str]) -> "Trade":
        """Return the trade of a row written as `list(map(str, trade))`."""
        line, quantity, price, net_money, settlement_date, trade_date, isin, side, currency, trade_id = row
        return cls(
            int(line),
            Decimal(quantity),
            Decimal(price),
            Decimal(net_money),
            date.fromisoformat(settlement_date),
            date.fromisoformat(trade_date),
            isin,
            Side(side),
            currency,
            trade_id,
        )


def plain(value: object) -> str:
    """Return a field's value as text: a decimal without exponent and without trailing zeros."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
