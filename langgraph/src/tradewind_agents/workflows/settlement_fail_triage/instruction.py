"""A settlement status, independent of its syntax: ISO 20022's terms, JSON-like values."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal, NotRequired, TypedDict

Layer = Literal["processing", "matching", "settlement"]

MAX_REASONS = 50
"""Reasons that are kept; the rest are counted."""


class Reason(TypedDict):
    """Why a status is what it is. `code` is empty where there is only a narrative; `where` is a path or a line."""

    layer: Layer
    status: str
    code: str
    proprietary: bool
    narrative: str
    where: str


class Status(TypedDict):
    """One layer's status, as MT548's field 25D names it: NMAT, MACH, PEND, PENF, REJT, ..."""

    layer: Layer
    code: str
    where: str


class Instruction(TypedDict):
    """The content of the message. Decimals and dates are strings; `sources` has each field's place in it."""

    message_type: str
    statuses: list[Status]
    reasons: list[Reason]
    reasons_left_out: int
    sources: dict[str, str]
    sender_reference: NotRequired[str]
    instruction_reference: NotRequired[str]
    isin: NotRequired[str]
    security_name: NotRequired[str]
    quantity: NotRequired[str]
    quantity_type: NotRequired[Literal["UNIT", "FAMT"]]
    settlement_amount: NotRequired[str]
    currency: NotRequired[str]
    trade_date: NotRequired[str]
    settlement_date: NotRequired[str]
    movement: NotRequired[Literal["DELI", "RECE"]]
    payment: NotRequired[Literal["APMT", "FREE"]]
    safekeeping_account: NotRequired[str]
    place_of_settlement: NotRequired[str]
    counterparty_bic: NotRequired[str]


class MessageError(ValueError):
    """A message that cannot be read; the text names the line, the field or the element."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


def bounded(reasons: list[Reason]) -> tuple[list[Reason], int]:
    """Return the reasons that are kept, and the number of others. Repeated kinds are dropped first."""
    seen: set[tuple[str, str, str]] = set()
    first, repeated = list[Reason](), list[Reason]()
    for reason in reasons:
        kind = (reason["layer"], reason["status"], reason["code"])
        (repeated if kind in seen else first).append(reason)
        seen.add(kind)
    kept = (first + repeated)[:MAX_REASONS]
    return kept, len(reasons) - len(kept)


def read_decimal(text: str, where: str) -> str:
    """Return a plain decimal of at most 24 digits; raise MessageError."""
    plain = text.strip()
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise MessageError(where, f"{plain[:40]!r} is not a number") from None
    if not re.fullmatch(r"[0-9.]{1,24}", plain):
        raise MessageError(where, f"{plain[:40]!r} is not an unsigned decimal of at most 24 characters")
    return format(value, "f")


def read_date(text: str, where: str) -> str:
    """Return an ISO date between 1990 and 2100; `text` may be YYYY-MM-DD or YYYYMMDD; raise MessageError."""
    plain = text.strip()[:10]
    try:
        value = date.fromisoformat(plain[:10] if "-" in plain else plain[:8])
    except ValueError:
        raise MessageError(where, f"{plain!r} is not a date") from None
    if not 1990 <= value.year <= 2100:
        raise MessageError(where, f"the year {value.year} is out of range")
    return value.isoformat()


def read_isin(text: str, where: str) -> str:
    """Return an ISIN (ISO 6166) with a valid check digit; raise MessageError."""
    plain = text.strip().upper()
    if not re.fullmatch(r"[A-Z]{2}[A-Z0-9]{9}[0-9]", plain, re.ASCII) or not _check_digit_fits(plain):
        raise MessageError(where, f"{plain[:20]!r} is not an ISIN")
    return plain


def read_currency(text: str, where: str) -> str:
    """Return a currency code (ISO 4217's form); raise MessageError."""
    plain = text.strip()
    if not re.fullmatch(r"[A-Z]{3}", plain, re.ASCII):
        raise MessageError(where, f"{plain[:20]!r} is not a currency")
    return plain


def one_of(*words: str) -> Callable[[str, str], str]:
    """Return a reader that accepts only these words."""

    def read(text: str, where: str) -> str:
        plain = text.strip()
        if plain not in words:
            raise MessageError(where, f"{plain[:20]!r} is not one of {', '.join(words)}")
        return plain

    return read


def read_text(text: str, _where: str) -> str:
    """Return a text on one line, at most 140 characters (ISO 20022 Max140Text)."""
    return " ".join(text.split())[:140]


def _check_digit_fits(isin: str) -> bool:
    digits = [int(digit) for character in isin for digit in str(int(character, 36))]
    doubled = [digit * 2 if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(divmod_sum for value in doubled for divmod_sum in divmod(value, 10)) % 10 == 0
