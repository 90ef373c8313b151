"""Urgency, point by point."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tradewind_agents.workflows.settlement_fail_triage.classify import Classification
from tradewind_agents.workflows.settlement_fail_triage.priority import prioritise
from tradewind_agents.workflows.settlement_fail_triage.reason_codes import Owner

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)


def _urgency(
    owner: Owner = "market",
    playbook: str = "follow_market",
    amount: str | None = None,
    days: int | None = None,
    value: str | None = None,
    cut_off: timedelta | None = None,
) -> tuple[int, list[str]]:
    found = Classification(
        owner=owner, playbook=playbook, lack="securities", status="PENF", evidence=[], evidence_left_out=0
    )
    penalty = {"amount": amount, "days": days}
    return prioritise(found, penalty, Decimal(value) if value else None, NOW, NOW + cut_off if cut_off else None)


def test_nothing_urgent() -> None:
    assert _urgency() == (0, ["nothing makes it urgent"])


def test_nothing_fails() -> None:
    assert _urgency(playbook="monitor", value="900000000") == (0, ["nothing fails"])


@pytest.mark.parametrize(
    ("amount", "points"), [("99.99", 0), ("100", 1), ("999.99", 1), ("1000", 2), ("9999.99", 2), ("10000", 3)]
)
def test_penalty(amount: str, points: int) -> None:
    assert _urgency(amount=amount)[0] == points


@pytest.mark.parametrize(("value", "points"), [("499999", 0), ("500000", 1), ("5000000", 2), ("50000000", 3)])
def test_value(value: str, points: int) -> None:
    assert _urgency(value=value)[0] == points


@pytest.mark.parametrize(("days", "points"), [(0, 0), (1, 0), (2, 1), (6, 1), (7, 2)])
def test_age(days: int, points: int) -> None:
    assert _urgency(days=days)[0] == points


@pytest.mark.parametrize(("hours", "points"), [(-1, 0), (0.5, 3), (1, 3), (3, 2), (8, 1), (9, 0)])
def test_time_to_the_cut_off(hours: float, points: int) -> None:
    assert _urgency(cut_off=timedelta(hours=hours))[0] == points


@pytest.mark.parametrize(("owner", "points"), [("us", 2), ("unknown", 1), ("counterparty", 0), ("custodian", 0)])
def test_owner(owner: Owner, points: int) -> None:
    assert _urgency(owner=owner)[0] == points


def test_at_most_ten_and_every_point_has_its_reason() -> None:
    most, reasons = _urgency("us", "cover_position", "20000", 9, "60000000", timedelta(minutes=30))
    assert most == 10
    assert sum(int(reason[1]) for reason in reasons) == 13
    assert reasons[0] == "+3 penalty so far 20000 is 10000 or more"
