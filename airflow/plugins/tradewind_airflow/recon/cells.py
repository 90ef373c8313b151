"""Parsers of cells: numbers, days, ISINs, sides, currencies and references, as written in blotters.

Nothing is guessed. `1,234` is a thousand or one and a bit, and `03/04/2026` is March or April: the file's format says
which, and a cell that does not fit it is a fault.
"""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tradewind_airflow.recon.trades import Side

DateFormat = Literal["YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "YYYYMMDD", "DD-MON-YYYY"]

_STRPTIME: dict[DateFormat, str] = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "DD/MM/YYYY": "%d/%m/%Y",
    "MM/DD/YYYY": "%m/%d/%Y",
    "DD.MM.YYYY": "%d.%m.%Y",
    "YYYYMMDD": "%Y%m%d",
    "DD-MON-YYYY": "%d-%b-%Y",
}
_SPACES = " \u00a0\u202f"
_APOSTROPHES = "'\u2019"


def _number(mark: str, separators: str) -> re.Pattern[str]:
    fraction = rf"(?:[{mark}]\d+)?"
    return re.compile(rf"\d+{fraction}|\d{{1,3}}([{separators}])\d{{3}}(?:\1\d{{3}})*{fraction}", re.ASCII)


_NUMBERS = {mark: _number(mark, other + _APOSTROPHES + _SPACES) for mark, other in (".,", ",.")}
"""Decimal mark -> a number, with one thousands separator throughout, or with none."""
_MAX_NUMBER = 28
"""Characters: what Python's default decimal context holds without rounding."""

_ISIN = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")
_CURRENCY = re.compile(r"[A-Z]{3}")
_MINOR_UNITS = frozenset({"GBp", "GBX", "ZAc", "ZAC", "ILA", "ILa"})
_NO_REFERENCE = frozenset({"", "-", "N/A", "NA", "NONE", "NULL", "NONREF"})
"""``NONREF`` is SWIFT's own word for it."""

_SIDES = {
    Side.BUY: ("b", "buy", "bought", "buyi", "purchase", "r", "rece", "receive", "rvp", "1"),
    Side.SELL: ("s", "sell", "sold", "sale", "d", "deli", "deliver", "dvp", "2", "5"),
}
"""Words of blotters, ISO 20022 (BUYI, RECE, DELI) and FIX tag 54 (1, 2, 5)."""
_SIDE_OF = {word: side for side, words in _SIDES.items() for word in words}


class BlotterFormat(BaseModel):
    """A file's number and date format."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    decimal_mark: Literal[".", ","] = "."
    date_format: DateFormat = "YYYY-MM-DD"


class CellError(ValueError):
    """A cell with an invalid value; the message gives the expected format."""


class CellReader:
    """Parses the cells of one file, with a cache, as a file repeats its days and securities."""

    def __init__(self, written: BlotterFormat, *, mirrored: bool = False) -> None:
        self._format = written
        self._mirrored = mirrored
        self._days: dict[str, date] = {}
        self._isins: dict[str, str] = {}

    def number(self, text: str) -> Decimal:
        """Return an amount without its sign, which may be before it, after it, or a pair of brackets."""
        mark = self._format.decimal_mark
        digits = _unsigned(text.strip(_SPACES))
        match = _NUMBERS[mark].fullmatch(digits)
        if match is None:
            raise CellError(f"{_shown(text)} is not a number with '{mark}' as decimal mark")
        if len(digits) > _MAX_NUMBER:
            raise CellError(f"{_shown(text)} has more than {_MAX_NUMBER} digits")
        return Decimal(digits.replace(match[1] or "", "").replace(mark, "."))

    def quantity(self, text: str) -> Decimal:
        """Return a number that is not zero."""
        value = self.number(text)
        if not value:
            raise CellError("a trade of nothing: the quantity is 0")
        return value

    def day(self, text: str) -> date:
        """Return the day of `text` in the file's date format."""
        known = self._days.get(text)
        return known if known is not None else self._days.setdefault(text, self._parse_day(text))

    def _parse_day(self, text: str) -> date:
        try:
            return datetime.strptime(text.strip(), _STRPTIME[self._format.date_format]).date()  # noqa: DTZ007  # a day has no zone
        except ValueError as error:
            raise CellError(f"{_shown(text)} is not a day written as {self._format.date_format}") from error

    def isin(self, text: str) -> str:
        """Return an ISIN (ISO 6166) whose check digit is right."""
        known = self._isins.get(text)
        return known if known is not None else self._isins.setdefault(text, _parse_isin(text))

    def side(self, text: str) -> Side:
        """Return the side as we see it."""
        side = _SIDE_OF.get(text.strip().lower())
        if side is None:
            raise CellError(f"{_shown(text)} is no side; known are {', '.join(_SIDE_OF)}")
        return side.mirrored if self._mirrored else side

    def currency(self, text: str) -> str:
        """Return a currency's code (ISO 4217). Minor units are refused: read as pounds, pence are a hundredfold."""
        code = text.strip()
        if code in _MINOR_UNITS:
            raise CellError(f"{_shown(text)} is a minor unit; give prices in the currency itself")
        if _CURRENCY.fullmatch(code.upper()) is None:
            raise CellError(f"{_shown(text)} is not a currency code of three letters")
        return code.upper()

    def reference(self, text: str) -> str:
        """Return the reference, or "" for a placeholder such as `N/A`."""
        reference = text.strip().upper()
        return "" if reference in _NO_REFERENCE else reference


def check_digit(stem: str) -> str:
    """Return the check digit of an ISIN's first eleven characters (ISO 6166, modulus 10 double-add-double)."""
    digits = "".join(str(int(character, 36)) for character in stem)
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(reversed(digits)))
    return str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def _parse_isin(text: str) -> str:
    isin = text.replace(" ", "").upper()
    if _ISIN.fullmatch(isin) is None:
        raise CellError(f"{_shown(text)} is not an ISIN: two letters, nine letters or digits, a check digit")
    if check_digit(isin[:11]) != isin[11]:
        raise CellError(f"{_shown(text)} has the wrong check digit, {check_digit(isin[:11])} would be right")
    return isin


def _unsigned(text: str) -> str:
    if text[:1] == "(" and text[-1:] == ")":
        return text[1:-1]
    return text[1:] if text[:1] in {"+", "-", "\u2212"} else text.removesuffix("-")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
