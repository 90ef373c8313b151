"""A trade as it is compared, whichever file it came from."""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple


class Side(StrEnum):
    """The direction, seen from us."""

    BUY = "buy"
    SELL = "sell"

    @property
    def mirrored(self) -> "Side":
        """The same trade, seen by the other party."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Trade(NamedTuple):
    """One row of a blotter. Amounts are absolute: the side says the direction.

    The fields stand in the order in which trades are sorted; `line` is the row's place and no part of what it says.
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
    """The common reference; empty where the file gives none."""

    @property
    def content(self) -> tuple[object, ...]:
        """What the row says."""
        return self[1:]

    @property
    def economics(self) -> tuple[object, ...]:
        """What the row says, but for its reference."""
        return self[1:9]

    def as_row(self) -> dict[str, str]:
        """Return the trade with amounts as decimal strings and dates in ISO form."""
        return {name: plain(value) for name, value in self._asdict().items() if name != "line"}

    @classmethod
    def from_row(cls, row: list[str]) -> "Trade":
        """Return the trade that `list(map(str, trade))` was made of."""
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
