"""Trades for tests: one by hand, and hypothesis blotters whose rows are often alike."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from tradewind_airflow.recon.trades import Side, Trade

TRADED = date(2026, 11, 16)


def trade(trade_id: str = "T1", line: int = 2, **changed: Any) -> Trade:
    """Return a trade of 100 Apple at 10; amounts may be given as text."""
    base = Trade(
        line, Decimal(100), Decimal(10), Decimal(1000), TRADED + timedelta(days=2), TRADED, "US0378331005", Side.BUY,
        "USD", trade_id,
    )  # fmt: skip
    amounts = {name: Decimal(value) for name, value in changed.items() if isinstance(value, str) and value[0].isdigit()}
    return base._replace(**{**changed, **amounts})


_trades = st.builds(
    Trade,
    line=st.just(0),
    quantity=st.sampled_from([Decimal(100), Decimal(101), Decimal(200)]),
    price=st.sampled_from([Decimal(10), Decimal("10.0005"), Decimal("10.001"), Decimal(11)]),
    net_money=st.sampled_from([Decimal(1000), Decimal("1000.4"), Decimal("1000.9"), Decimal(1010), Decimal(0)]),
    settlement_date=st.sampled_from([TRADED + timedelta(days=2), TRADED + timedelta(days=3)]),
    trade_date=st.just(TRADED),
    isin=st.sampled_from(["US0378331005", "DE0007164600"]),
    side=st.sampled_from(Side),
    currency=st.just("EUR"),
    trade_id=st.sampled_from(["", "", "A", "B", "C"]),
)


def numbered(trades: list[Trade]) -> list[Trade]:
    """Return the trades as lines 1, 2, … of a file."""
    return [one._replace(line=line) for line, one in enumerate(trades, start=1)]


lists_of_trades = st.lists(_trades, max_size=12).map(numbered)
