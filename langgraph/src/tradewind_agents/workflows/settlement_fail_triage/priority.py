"""The urgency of a fail, 0 to 10, with reasons: points for money, age and time.

Amounts count in the settlement currency as they are: the thresholds are for the major ones.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tradewind_agents.workflows.settlement_fail_triage.classify import Classification

MOST = 10

_PENALTY = ((Decimal(10_000), 3), (Decimal(1_000), 2), (Decimal(100), 1))
_VALUE = ((Decimal(50_000_000), 3), (Decimal(5_000_000), 2), (Decimal(500_000), 1))
_DAYS = ((Decimal(7), 2), (Decimal(2), 1))
_HOURS = ((timedelta(hours=1), 3), (timedelta(hours=4), 2), (timedelta(hours=8), 1))


def prioritise(
    classification: Classification,
    penalty: dict[str, Any],
    value: Decimal | None,
    as_of: datetime,
    cut_off: datetime | None,
) -> tuple[int, list[str]]:
    """Return the priority and the reason for each of its points; 0 where nothing fails."""
    if classification["playbook"] == "monitor":
        return 0, ["nothing fails"]
    scored = [
        *_above("penalty so far", _decimal(penalty.get("amount")), _PENALTY),
        *_above("value", value, _VALUE),
        *_above("business days late", _decimal(penalty.get("days")), _DAYS),
        *_until(cut_off, as_of),
        *_owner(classification),
    ]
    reasons = [f"+{points} {why}" for points, why in scored]
    return min(MOST, sum(points for points, _ in scored)), reasons or ["nothing makes it urgent"]


def _above(what: str, amount: Decimal | None, thresholds: tuple[tuple[Decimal, int], ...]) -> Iterable[tuple[int, str]]:
    for threshold, points in thresholds:
        if amount is not None and amount >= threshold:
            return [(points, f"{what} {amount} is {threshold} or more")]
    return []


def _until(cut_off: datetime | None, as_of: datetime) -> Iterable[tuple[int, str]]:
    if cut_off is None or cut_off < as_of:
        return []
    for span, points in _HOURS:
        if cut_off - as_of <= span:
            return [(points, f"the cut-off is within {span.seconds // 3600} h")]
    return []


def _owner(classification: Classification) -> Iterable[tuple[int, str]]:
    match classification["owner"]:
        case "us":
            return [(2, "we can act ourselves")]
        case "unknown":
            return [(1, "a person has to read it")]
        case _:
            return []


def _decimal(number: object) -> Decimal | None:
    return None if number is None else Decimal(str(number))
