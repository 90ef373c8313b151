"""Detects a file's header line, its separator, and the column of each field."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SEPARATORS = (",", ";", "\t", "|")
MAX_PREAMBLE = 30
"""Lines in which the header is searched: reports put titles and dates before it."""
MAX_HEADER = 20_000
"""Characters of a line that are parsed; the csv module raises at a hundred thousand in one cell."""

NAMES: dict[str, tuple[str, ...]] = {
    "trade_id": ("trade id", "trade ref", "trade reference", "client ref", "client reference", "our reference",
                 "common reference", "seme", "reference"),
    "isin": ("isin", "isin code", "security id"),
    "side": ("side", "buy sell", "b/s", "r/d", "direction", "transaction type", "receive deliver"),
    "quantity": ("quantity", "qty", "nominal", "units", "shares", "settlement quantity"),
    "price": ("price", "deal price", "unit price", "trade price"),
    "currency": ("currency", "ccy", "settlement currency", "settlement ccy"),
    "net_money": ("net money", "net amount", "net", "settlement amount", "net consideration"),
    "trade_date": ("trade date", "deal date", "td"),
    "settlement_date": ("settlement date", "settle date", "value date", "contractual settlement date", "sd"),
}  # fmt: skip
"""The accepted headings of each field; case, spaces and punctuation are ignored."""


class HeaderError(ValueError):
    """A file without a usable header; `line` is the closest match, from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


@dataclass(frozen=True)
class Header:
    """A file's header and its line. `columns` is field -> (index, heading)."""

    line: int
    separator: str
    columns: dict[str, tuple[int, str]]
    width: int
    repeated: tuple[str, ...] = ()


def find(lines: Sequence[str]) -> Header:
    """Return the header among the first lines of a file; raise `HeaderError`."""
    readings = [_read(number, text, mark) for number, text in _first(lines) for mark in SEPARATORS]
    if not readings:
        raise HeaderError(1, "the file is empty")
    best = max(readings, key=lambda reading: (len(reading.columns), -reading.line))
    if best.repeated:
        raise HeaderError(best.line, f"two columns say the same: {', '.join(best.repeated)}")
    missing = [field for field in NAMES if field not in best.columns]
    if missing:
        raise HeaderError(best.line, _missing(missing))
    return best


def _first(lines: Sequence[str]) -> Iterable[tuple[int, str]]:
    return enumerate(lines[:MAX_PREAMBLE], start=1)


def _read(line: int, text: str, separator: str) -> Header:
    headings = next(csv.reader([text[:MAX_HEADER]], delimiter=separator), [])
    found: dict[str, tuple[int, str]] = {}
    repeated: list[str] = []
    for index, heading in enumerate(headings):
        field = _FIELD_OF.get(_bare(heading))
        if field in found:
            repeated.append(f"'{found[field][1]}' and '{heading}' ({field})")
        elif field:
            found[field] = (index, heading)
    return Header(line, separator, found, len(headings), tuple(repeated))


def _missing(fields: list[str]) -> str:
    missing = "; ".join(f"{field} (known headings: {', '.join(NAMES[field])})" for field in fields)
    return f"no column for {missing}"


def _bare(heading: str) -> str:
    return "".join(character for character in heading.casefold() if character.isalnum())


_FIELD_OF = {_bare(name): field for field, names in NAMES.items() for name in names}
