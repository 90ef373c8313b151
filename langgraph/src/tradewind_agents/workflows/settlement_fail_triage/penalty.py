"""An estimate of the CSDR cash penalty: rate x value x business days, in decimals.

Regulation (EU) 909/2014 Article 7(2) and Delegated Regulation (EU) 2018/1229 Articles 16 to 18. SEFP, the settlement
fail penalty, is for each business day that a matched instruction fails; LMFP, the late matching fail penalty, is for
the days from the intended settlement date until it matches. Both take the same rates. An estimate: the reference price
of each day, partial settlement and the CSD's netting are not known here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from tradewind_agents.workflows.settlement_fail_triage import business_days
from tradewind_agents.workflows.settlement_fail_triage.classify import Classification
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction
from tradewind_agents.workflows.settlement_fail_triage.parameters import InstrumentClass, Parameters

BASIS_POINTS: Mapping[InstrumentClass, Decimal] = MappingProxyType(
    {
        InstrumentClass.LIQUID_SHARES: Decimal("1.0"),
        InstrumentClass.ILLIQUID_SHARES: Decimal("0.5"),
        InstrumentClass.SME_GROWTH_MARKET: Decimal("0.25"),
        InstrumentClass.PUBLIC_DEBT: Decimal("0.10"),
        InstrumentClass.OTHER_DEBT: Decimal("0.20"),
        InstrumentClass.SME_GROWTH_DEBT: Decimal("0.15"),
        InstrumentClass.OTHER: Decimal("0.5"),
    }
)
"""Basis points a day for a lack of securities: Delegated Regulation (EU) 2017/389, annex, points 1 to 7.

As of 22 October 2024, in force (https://judict.eu/en/sla/32014R0909/32017R0389-X/annex-1).
"""

_YEAR = 360
"""Days of the year for point 8's annual rate: the money market's count, as the annex states none."""

_EEA = re.compile(
    r"[A-Z0-9]{4}(AT|BE|BG|CY|CZ|DE|DK|EE|ES|FI|FR|GR|HR|HU|IE|IS|IT|LI|LT|LU|LV|MT|NL|NO|PL|PT|RO|SE|SI|SK)", re.ASCII
)
"""A BIC (ISO 9362) of the European Economic Area: countries whose CSDs charge these penalties."""

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class _Rate:
    per_day: Decimal
    basis: str


def estimate(
    instruction: Instruction, classification: Classification, parameters: Parameters, as_of: date
) -> dict[str, Any]:
    """Return the estimate as JSON; `amount` is None where `basis` names what is missing.

    Days are the business days from the intended settlement date to `as_of`, both included: the penalty if it does not
    settle today.
    """
    value = value_of(instruction, parameters)
    missing = _missing(instruction, classification, value)
    rate = _rate(instruction, classification, parameters)
    if missing or rate is None or value is None:
        return _nothing(instruction, parameters, missing or "the central bank's overnight_credit_rate is not given")
    days = business_days.count(date.fromisoformat(instruction["settlement_date"]), as_of)
    per_day = value * rate.per_day
    return {
        "amount": _money(per_day * days),
        "currency": _currency(instruction, parameters),
        "basis": f"{rate.basis}; {days} business days from {instruction['settlement_date']} to {as_of.isoformat()}",
        "kind": "LMFP" if classification["status"] == "NMAT" else "SEFP",
        "per_day": _money(per_day),
        "days": days,
        "value": _money(value),
        "charged_to": _charged_to(classification),
    }


def value_of(instruction: Instruction, parameters: Parameters) -> Decimal | None:
    """Return the value that fails: quantity x reference price (2017/389 Article 3), else the settlement amount."""
    if parameters.price is not None and "quantity" in instruction:
        percent = instruction["quantity_type"] == "FAMT"
        return Decimal(instruction["quantity"]) * parameters.price / (100 if percent else 1)
    if "settlement_amount" in instruction:
        return Decimal(instruction["settlement_amount"])
    return parameters.settlement_amount


def _missing(instruction: Instruction, classification: Classification, value: Decimal | None) -> str | None:
    place = instruction.get("place_of_settlement", "")
    if classification["playbook"] == "monitor":
        return "nothing fails"
    if len(place) >= 6 and not _EEA.match(place):
        return f"{place} is not in the EEA: CSDR Article 7 does not apply"
    if "settlement_date" not in instruction:
        return "the message states no settlement date"
    return None if value is not None else "neither a price with a quantity nor a settlement amount is known"


def _rate(instruction: Instruction, classification: Classification, parameters: Parameters) -> _Rate | None:
    if classification["lack"] == "cash":
        return _cash_rate(parameters)
    known = parameters.instrument_class
    # Without a class, the most expensive one is assumed, so that the estimate is not too low.
    most_expensive = (
        InstrumentClass.OTHER_DEBT if instruction.get("quantity_type") == "FAMT" else InstrumentClass.LIQUID_SHARES
    )
    used = known or most_expensive
    assumed = "" if known else " (assumed)"
    points = BASIS_POINTS[used]
    return _Rate(points / 10_000, f"{points} bp a day for {used}{assumed}, Delegated Regulation (EU) 2017/389 annex")


def _cash_rate(parameters: Parameters) -> _Rate | None:
    if parameters.overnight_credit_rate is None:
        return None
    percent = max(Decimal(0), parameters.overnight_credit_rate)
    basis = f"{percent}% a year for a lack of cash, actual/{_YEAR}, Delegated Regulation (EU) 2017/389 annex point 8"
    return _Rate(percent / 100 / _YEAR, basis)


def _nothing(instruction: Instruction, parameters: Parameters, why: str) -> dict[str, Any]:
    return {"amount": None, "currency": _currency(instruction, parameters), "basis": why}


def _currency(instruction: Instruction, parameters: Parameters) -> str | None:
    return parameters.currency or instruction.get("currency")


def _charged_to(classification: Classification) -> str:
    owner = classification["owner"]
    return owner if owner in {"us", "counterparty"} else "undetermined"


def _money(value: Decimal) -> str:
    return format(value.quantize(_CENT, ROUND_HALF_UP), "f")
