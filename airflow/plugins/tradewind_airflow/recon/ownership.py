"""Who has to act on a break, and what it may cost: fixed rules."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from tradewind_airflow.recon.trades import Trade

TheirRole = Literal["custodian", "counterparty"]
Owner = Literal["us", "counterparty", "custodian", "market"]

_PER_CENT = Decimal("0.01")
_CONSISTENT = Decimal("0.01")
"""Share of the net money by which quantity x price may differ from it: commissions, taxes, accrued interest."""


@dataclass(frozen=True)
class Parties:
    """The two sides of a reconciliation, with the file names used in evidence."""

    role: TheirRole
    our_file: str
    their_file: str

    @property
    def us(self) -> str:
        """Our side's name in texts."""
        return "our blotter"

    @property
    def them(self) -> str:
        """The other side's name in texts."""
        return f"the {self.role}"

    def file(self, *, ours: bool) -> str:
        """Return the name of a side's file."""
        return self.our_file if ours else self.their_file

    def owner(self, field: str, ours: Trade, theirs: Trade) -> Owner:
        """Return who acts first: the side whose own figures contradict each other, else us, who have to enquire."""
        if field in {"quantity", "price", "net_money"} and is_consistent(ours) and not is_consistent(theirs):
            return self.role
        return "us"


def is_consistent(trade: Trade) -> bool:
    """Whether quantity x price is close to the net money."""
    return _gap(trade, price_unit(trade)) <= _CONSISTENT * trade.net_money


def price_unit(trade: Trade) -> Decimal:
    """Return the price's unit: 1, or 1 per cent of the nominal, as for bonds; whichever fits better."""
    return min((Decimal(1), _PER_CENT), key=lambda unit: _gap(trade, unit))


def _gap(trade: Trade, unit: Decimal) -> Decimal:
    return abs(trade.quantity * trade.price * unit - trade.net_money)


def amount_at_risk(field: str, ours: Trade, theirs: Trade) -> Decimal:
    """Return the amount at risk of a difference, in our row's currency.

    A wrong price or quantity costs the difference; a wrong date, security or currency holds up the whole amount; a
    wrong side moves it twice. A wrong trade date or reference costs nothing by itself. Where the currencies differ,
    their price and money are not comparable: our own amount counts, under the currency.
    """
    if ours.currency != theirs.currency:
        theirs = theirs._replace(price=ours.price, net_money=ours.net_money)
    match field:
        case "price":
            return abs(ours.price - theirs.price) * max(ours.quantity, theirs.quantity) * price_unit(ours)
        case "quantity":
            return abs(ours.quantity - theirs.quantity) * max(ours.price, theirs.price) * price_unit(ours)
        case "net_money":
            return abs(ours.net_money - theirs.net_money)
        case "side":
            return ours.net_money + theirs.net_money
        case "settlement_date" | "isin" | "currency":
            return max(ours.net_money, theirs.net_money)
        case _:
            return Decimal(0)
