"""Blotters: CSV files of people and custodians, read into trades or refused with a list of all errors."""

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from tradewind_airflow.recon import columns
from tradewind_airflow.recon.cells import CellError, CellReader
from tradewind_airflow.recon.trades import Trade

MAX_BYTES = 256 * 1024 * 1024
MAX_ROWS = 1_000_000
MAX_FAULTS = 20
_TRAILERS = frozenset({"trailer", "total", "totals", "eof", "end"})


class BlotterError(ValueError):
    """A blotter with errors. The message gives the file, and each error's line and column."""

    def __init__(self, name: str, faults: list[str]) -> None:
        listed = faults[:MAX_FAULTS] + (["and more"] if len(faults) > MAX_FAULTS else [])
        super().__init__(f"{name} cannot be read:\n  " + "\n  ".join(listed))
        self.name = name
        self.faults = listed


def read(path: Path, cells: CellReader, *, references_required: bool = False) -> list[Trade]:
    """Return the trades of a blotter; raise `BlotterError` with every error, at most 20."""
    text = _text(path)
    faults: list[str] = []
    try:
        header = columns.find(text.split("\n", columns.MAX_PREAMBLE)[: columns.MAX_PREAMBLE])
    except columns.HeaderError as error:
        raise BlotterError(path.name, [f"line {error.line}: {error.detail}"]) from error
    rows = _Rows(header, cells, faults, references_required=references_required)
    trades = list(rows.trades(text))
    if faults:
        raise BlotterError(path.name, faults)
    return trades


def _text(path: Path) -> str:
    data = _bytes(path)
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BlotterError(path.name, [f"line {line}: not {encoding}; save the file as UTF-8"]) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BlotterError(path.name, [f"{size} bytes; at most {MAX_BYTES} are read"])
        return path.read_bytes()
    except OSError as error:
        raise BlotterError(path.name, [f"{error.strerror}: is the name right, below the data folder?"]) from error


class _Rows:
    """Parses the rows below a header; their errors are added to `faults`."""

    def __init__(
        self, header: columns.Header, cells: CellReader, faults: list[str], *, references_required: bool
    ) -> None:
        self._header = header
        self._faults = faults
        self._references_required = references_required
        parsers: dict[str, Callable[[str], object]] = {
            "quantity": cells.quantity, "price": cells.number, "net_money": cells.number,
            "settlement_date": cells.day, "trade_date": cells.day, "isin": cells.isin, "side": cells.side,
            "currency": cells.currency, "trade_id": cells.reference,
        }  # fmt: skip
        self._columns = [(field, *header.columns[field], parsers[field]) for field in Trade._fields[1:]]

    def trades(self, text: str) -> Iterator[Trade]:
        for count, (line, row) in enumerate(self._rows(text)):
            if _first_word(row) in _TRAILERS:
                self._check_trailer(line, row, count)
                return
            if len(self._faults) > MAX_FAULTS or self._too_many(count + 1):
                return
            trade = self._trade(line, row)
            if trade is not None:
                yield trade

    def _rows(self, text: str) -> Iterator[tuple[int, list[str]]]:
        source = io.StringIO(text)
        for _ in range(self._header.line):
            source.readline()
        reader = csv.reader(source, delimiter=self._header.separator, strict=True)
        line = self._header.line + 1
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield line, row
                line = self._header.line + reader.line_num + 1
        except csv.Error as error:
            self._faults.append(f"line {line}: not CSV: {error}")

    def _trade(self, line: int, row: list[str]) -> Trade | None:
        if not self._fits(line, row):
            return None
        values: list[object] = []
        for field, index, heading, parse in self._columns:
            try:
                values.append(parse(row[index]))
            except CellError as error:
                self._faults.append(f"line {line}, column '{heading}' ({field}): {error}")
                return None
        trade = Trade(line, *values)  # type: ignore[arg-type]  # each parser gives its field's type
        if self._references_required and not trade.trade_id:
            self._faults.append(f"line {line}, column '{self._header.columns['trade_id'][1]}' (trade_id): is empty")
        return trade

    def _fits(self, line: int, row: list[str]) -> bool:
        width = self._header.width
        if len(row) == width or (len(row) > width and not any(cell.strip() for cell in row[width:])):
            return True
        hint = "is a value with a separator in it unquoted?" if len(row) > width else "is the line cut off?"
        self._faults.append(f"line {line}: {len(row)} cells where the header has {width}; {hint}")
        return False

    def _check_trailer(self, line: int, row: list[str], count: int) -> None:
        said = next((cell.strip() for cell in row[1:] if cell.strip().isdecimal()), None)
        if said is not None and int(said) != count:
            self._faults.append(f"line {line}: the trailer counts {said} rows, the file has {count}: is it complete?")

    def _too_many(self, count: int) -> bool:
        if count > MAX_ROWS:
            self._faults.append(f"more than {MAX_ROWS} rows; split the file by account or market")
        return count > MAX_ROWS


def _first_word(row: list[str]) -> str:
    return row[0].strip().casefold().rstrip(":") if row else ""


def write_normalised(trades: list[Trade], file: TextIO) -> None:
    """Write trades in the format that `read_normalised` reads."""
    csv.writer(file).writerows([Trade._fields, *trades])


def read_normalised(path: Path) -> list[Trade]:
    """Return the trades that `write_normalised` wrote."""
    with path.open(newline="", encoding="utf-8") as source:
        rows = csv.reader(source)
        next(rows)
        return [Trade.from_row(row) for row in rows]
