"""Penalty arithmetic against figures worked out by hand."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_agents.workflows.settlement_fail_triage import penalty
from tradewind_agents.workflows.settlement_fail_triage.classify import Classification
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction
from tradewind_agents.workflows.settlement_fail_triage.parameters import InstrumentClass, Parameters
from tradewind_agents.workflows.settlement_fail_triage.reason_codes import Lack, Owner

FRIDAY = date(2026, 11, 20)


def _instruction(**values: Any) -> Instruction:
    whole = {"settlement_date": "2026-11-18", "settlement_amount": "1000000", "currency": "EUR"} | values
    kept = {name: value for name, value in whole.items() if value is not None}
    return Instruction(message_type="x", statuses=[], reasons=[], reasons_left_out=0, sources={}, **kept)  # type: ignore[typeddict-item]  # test values


def _classification(owner: Owner = "us", lack: Lack = "securities", playbook: str = "cover_position") -> Classification:
    return Classification(owner=owner, playbook=playbook, lack=lack, status="PENF", evidence=[], evidence_left_out=0)


def _estimate(instruction: Instruction, classification: Classification, **parameters: Any) -> dict[str, Any]:
    return penalty.estimate(instruction, classification, Parameters(message="x", **parameters), FRIDAY)


@pytest.mark.parametrize(
    ("instrument_class", "amount"),
    [
        ("liquid_shares", "300.00"),
        ("illiquid_shares", "150.00"),
        ("sme_growth_market", "75.00"),
        ("public_debt", "30.00"),
        ("other_debt", "60.00"),
        ("sme_growth_debt", "45.00"),
        ("other", "150.00"),
    ],
)
def test_three_days_on_a_million(instrument_class: str, amount: str) -> None:
    assert _estimate(_instruction(), _classification(), instrument_class=instrument_class)["amount"] == amount


def test_every_class_has_a_rate() -> None:
    assert set(penalty.BASIS_POINTS) == set(InstrumentClass)


@pytest.mark.parametrize(("rate", "amount"), [("2.40", "200.00"), ("0", "0.00"), ("-0.5", "0.00")])
def test_lack_of_cash_has_a_floor_of_zero(rate: str, amount: str) -> None:
    found = _estimate(_instruction(), _classification(lack="cash"), overnight_credit_rate=rate)
    assert found["amount"] == amount


def test_half_a_cent_is_rounded_up() -> None:
    found = _estimate(_instruction(settlement_amount="50", settlement_date="2026-11-20"), _classification())
    assert (found["per_day"], found["amount"]) == ("0.01", "0.01")


@pytest.mark.parametrize(
    ("quantity_type", "price", "value"), [("UNIT", "12.5", "12500.00"), ("FAMT", "98.75", "987.50")]
)
def test_value_is_quantity_times_price(quantity_type: str, price: str, value: str) -> None:
    found = _estimate(_instruction(quantity="1000", quantity_type=quantity_type), _classification(), price=price)
    assert found["value"] == value


def test_amount_from_the_parameters_where_the_message_has_none() -> None:
    instruction = _instruction(settlement_amount=None, currency=None)
    found = _estimate(instruction, _classification(), settlement_amount="2000", currency="SEK")
    assert (found["value"], found["currency"]) == ("2000.00", "SEK")


@pytest.mark.parametrize(
    ("values", "basis"),
    [
        ({"settlement_date": None}, "the message states no settlement date"),
        ({"settlement_amount": None}, "neither a price with a quantity nor a settlement amount is known"),
        ({"place_of_settlement": "DTCYUS33XXX"}, "DTCYUS33XXX is not in the EEA: CSDR Article 7 does not apply"),
    ],
)
def test_what_is_missing(values: dict[str, Any], basis: str) -> None:
    found = _estimate(_instruction(**values), _classification())
    assert (found["amount"], found["basis"]) == (None, basis)


def test_assumes_the_dearest_class_of_its_kind() -> None:
    shares = _estimate(_instruction(quantity="1", quantity_type="UNIT"), _classification())
    bonds = _estimate(_instruction(quantity="1", quantity_type="FAMT"), _classification())
    assert "1.0 bp a day for liquid_shares (assumed)" in shares["basis"]
    assert "0.20 bp a day for other_debt (assumed)" in bonds["basis"]


@pytest.mark.parametrize(
    ("owner", "charged"), [("us", "us"), ("counterparty", "counterparty"), ("market", "undetermined")]
)
def test_who_is_charged(owner: Owner, charged: str) -> None:
    assert _estimate(_instruction(), _classification(owner))["charged_to"] == charged


def test_not_due_yet() -> None:
    assert _estimate(_instruction(settlement_date="2026-11-23"), _classification())["amount"] == "0.00"


@given(
    value=st.decimals("0.01", "99999999999", places=2),
    instrument_class=st.sampled_from(InstrumentClass),
)
def test_exact_to_the_cent(value: Decimal, instrument_class: InstrumentClass) -> None:
    instruction = _instruction(settlement_amount=format(value, "f"))
    amount = Decimal(_estimate(instruction, _classification(), instrument_class=instrument_class)["amount"])
    exact = value * penalty.BASIS_POINTS[instrument_class] * 3 / 10_000
    assert abs(amount - exact) <= Decimal("0.005")
