"""Breaks: their words, their money, who acts first, and figures that add up."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given

from support.recon_trades import TRADED, lists_of_trades, trade
from tradewind_airflow.recon import report
from tradewind_airflow.recon.breaks import REASON_CODES, Break, BreakType, BreakWriter
from tradewind_airflow.recon.matching import Pair, match
from tradewind_airflow.recon.ownership import Parties, amount_at_risk
from tradewind_airflow.recon.tolerances import Tolerances
from tradewind_airflow.recon.trades import Side, Trade

AS_OF = date(2026, 11, 20)
PARTIES = Parties("custodian", "ours.csv", "theirs.csv")


def _writer() -> BreakWriter:
    return BreakWriter(PARTIES, Tolerances(), AS_OF)


def _report(ours: list[Trade], theirs: list[Trade], fx_rates: dict[str, Decimal] | None = None) -> report.Report:
    return report.build(match(ours, theirs, Tolerances()), _writer(), fx_rates or {})


def _breaks(ours: Trade, theirs: Trade) -> list[Break]:
    return _report([ours], [theirs]).breaks


def test_a_break_in_full() -> None:
    [found] = _breaks(trade(line=5), trade(line=7, price="10.5"))
    assert found.model_dump(mode="json", exclude={"break_id", "evidence"}) == {
        "break_type": "price_mismatch",
        "field": "price",
        "our_value": "10",
        "their_value": "10.5",
        "tolerance": "0.01",
        "tolerance_type": "percentage",
        "amount_at_risk": "50.00",
        "currency": "USD",
        "age_days": 4,
        "owner": "custodian",
        "reason_code": "DDEA",
        "text": "price of T1 (buy 100 US0378331005): we say 10, the custodian says 10.5, beyond 0.01 percentage",
    }
    assert [(one.row, one.trade["price"]) for one in found.evidence] == [("ours.csv:5", "10"), ("theirs.csv:7", "10.5")]


MISMATCHES = [
    ({"price": "11"}, "price", "DDEA", "100.00"),
    ({"quantity": "130"}, "quantity", "DQUA", "300.00"),
    ({"net_money": "1050"}, "net_money", "DMON", "50.00"),
    ({"settlement_date": TRADED + timedelta(days=3)}, "settlement_date", "DDAT", "1000.00"),
    ({"trade_date": TRADED - timedelta(days=1)}, "trade_date", "DTRD", "0.00"),
    ({"side": Side.SELL}, "side", "DELN", "2000.00"),
    ({"currency": "EUR"}, "currency", "NCRR", "1000.00"),
    ({"isin": "DE0007164600"}, "isin", "DSEC", "1000.00"),
    ({"trade_id": "T9"}, "trade_id", "IIND", "0.00"),
]


@pytest.mark.parametrize(("changed", "field", "code", "amount"), MISMATCHES)
def test_each_field_has_its_type_code_and_amount(
    changed: dict[str, object], field: str, code: str, amount: str
) -> None:
    [found] = _breaks(trade(), trade(**changed))  # type: ignore[arg-type]  # a trade_id may be among them
    assert (found.field, found.break_type, found.reason_code) == (field, f"{field}_mismatch", code)
    assert found.amount_at_risk == amount


def test_a_bond_s_price_is_per_cent_of_its_nominal() -> None:
    bond = trade(quantity="1000000", price="98.5", net_money="985000")
    assert amount_at_risk("price", bond, bond._replace(price=Decimal("99.5"))) == Decimal(10_000)


@pytest.mark.parametrize(
    ("ours", "theirs", "owner"),
    [
        (trade(), trade(price="11"), "custodian"),
        (trade(price="11"), trade(), "us"),
        (trade(price="11"), trade(price="12"), "us"),
        (trade(), trade(price="11", net_money="1100"), "us"),
        (trade(), trade(currency="EUR"), "us"),
    ],
)
def test_who_acts_first(ours: Trade, theirs: Trade, owner: str) -> None:
    assert {found.owner for found in _breaks(ours, theirs)} == {owner}


def test_unmatched_rows() -> None:
    found = {
        one.break_type: one for one in _report([trade("A"), trade("A", 3)], [trade("B", 9, side=Side.SELL)]).breaks
    }
    assert {kind: (one.owner, one.reason_code, [e.row for e in one.evidence]) for kind, one in found.items()} == {
        "missing_theirs": ("custodian", "CMIS", ["ours.csv:2"]),
        "missing_ours": ("us", "LATE", ["theirs.csv:9"]),
        "duplicate_ours": ("us", "OTHR", ["ours.csv:3", "ours.csv:2"]),
    }
    assert found[BreakType.DUPLICATE_OURS].text == "ours.csv:3 gives A (buy 100 US0378331005) again, after line 2"


def test_differences_within_tolerance_are_none() -> None:
    made = _report([trade()], [trade(price="10.001", net_money="1001")])
    assert made.breaks == []
    assert [one.status for one in made.pairs] == ["toleranced"]
    assert [found.field for found in _breaks(trade(), trade(price="10.0011"))] == ["price"]


def test_a_reference_that_one_side_lacks_is_no_break() -> None:
    assert [one.status for one in _report([trade()], [trade("")]).pairs] == ["matched"]


def test_every_type_has_a_reason_code() -> None:
    assert set(REASON_CODES) == set(BreakType)


def test_ids_do_not_depend_on_the_rows_order() -> None:
    first = _breaks(trade(line=5), trade(line=7, price="10.50"))
    second = _breaks(trade(line=50), trade(line=70, price="10.5"))
    assert [one.break_id for one in first] == [one.break_id for one in second]
    later = BreakWriter(PARTIES, Tolerances(), AS_OF + timedelta(days=1)).of_pair
    pair = Pair(trade(), trade(price="10.5"), match([trade()], [trade()], Tolerances()).pairs[0].matched_by)
    assert later(pair)[0].break_id != first[0].break_id


def test_the_costliest_comes_first_in_one_currency() -> None:
    ours = [
        trade("JPY", currency="JPY", net_money="90000", price="900"),
        trade("EUR", 3, currency="EUR"),
    ]
    assert [one.currency for one in _report(ours, []).breaks] == ["JPY", "EUR"]
    made = _report(ours, [], {"JPY": Decimal("0.006"), "EUR": Decimal(1)})
    assert [one.currency for one in made.breaks] == ["EUR", "JPY"]
    assert made.summary.currencies_without_rate == []


def test_money_in_another_currency_is_not_taken_for_ours() -> None:
    ours = [trade("EUR", currency="EUR"), trade("GBP", 3, currency="GBP", net_money="5000", price="50")]
    theirs = [trade("EUR", currency="JPY", price="1600", net_money="160000")]
    made = _report(ours, theirs, {"EUR": Decimal(1), "GBP": Decimal("1.14"), "JPY": Decimal("0.0058")})
    assert {one.field: one.amount_at_risk for one in made.breaks} == {
        None: "5000.00",
        "currency": "1000.00",
        "price": "0.00",
        "net_money": "0.00",
    }
    assert [one.field for one in made.breaks[:2]] == [None, "currency"]
    assert made.summary.amount_at_risk == {"EUR": "1000.00", "GBP": "5000.00"}
    assert made.summary.currencies_without_rate == []


def test_a_pair_with_two_breaks_counts_its_money_once() -> None:
    made = _report([trade()], [trade(price="11", net_money="1100")])
    assert len(made.breaks) == 2
    assert made.summary.amount_at_risk == {"USD": "100.00"}


@given(ours=lists_of_trades, theirs=lists_of_trades)
def test_the_figures_add_up(ours: list[Trade], theirs: list[Trade]) -> None:
    made = _report(ours, theirs)
    figures = made.summary
    pairs = figures.matched + figures.toleranced + figures.broken
    assert figures.our_rows == len(ours) == pairs + figures.missing_theirs + figures.duplicate_ours
    assert figures.their_rows == len(theirs) == pairs + figures.missing_ours + figures.duplicate_theirs
    assert figures.breaks == len(made.breaks) == sum(figures.breaks_by_type.values())
    assert len({one.break_id for one in made.breaks}) == len(made.breaks)
    amounts = [one.amount for one in made.breaks]
    assert amounts == sorted(amounts, reverse=True)
