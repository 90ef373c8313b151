"""Files as they arrive: what is understood, and what is refused with its line and column."""

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.recon import blotters
from tradewind_airflow.recon.blotters import BlotterError
from tradewind_airflow.recon.cells import BlotterFormat, CellReader
from tradewind_airflow.recon.trades import Side, Trade

HEADER = "Trade ID,ISIN,Side,Quantity,Price,Currency,Net Money,Trade Date,Settlement Date"
ROW = "T1,US0378331005,BUY,100,10.5,USD,1050.00,2026-11-18,2026-11-19"
TRADE = Trade(
    2, Decimal(100), Decimal("10.5"), Decimal(1050), date(2026, 11, 19), date(2026, 11, 18), "US0378331005", Side.BUY,
    "USD", "T1",
)  # fmt: skip


def _read(folder: Path, content: str | bytes, *, references_required: bool = False) -> list[Trade]:
    path = folder / "blotter.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return blotters.read(path, CellReader(BlotterFormat()), references_required=references_required)


def _faults(folder: Path, content: str | bytes, *, references_required: bool = False) -> list[str]:
    with pytest.raises(BlotterError, match=r"blotter\.csv cannot be read") as caught:
        _read(folder, content, references_required=references_required)
    return caught.value.faults


def test_a_plain_file(tmp_path: Path) -> None:
    assert _read(tmp_path, f"{HEADER}\n{ROW}\n") == [TRADE]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_line_ends(tmp_path: Path, separator: str, end: str) -> None:
    text = end.join([HEADER, ROW]).replace(",", separator)
    assert _read(tmp_path, text) == [TRADE]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    assert _read(tmp_path, f"{HEADER}\n{ROW}".encode(encoding)) == [TRADE]


def test_titles_blank_lines_and_a_trailer(tmp_path: Path) -> None:
    text = f"Daily report\nclient: Moët, Zürich\n\n{HEADER}\n,,,,,,,,\n\n{ROW}\n\nTRAILER,1\nprinted by nobody\n"
    assert _read(tmp_path, text) == [TRADE._replace(line=7)]


def test_columns_in_any_order_and_others_besides(tmp_path: Path) -> None:
    text = "CCY;memo;B/S;Qty;ISIN code;Deal price;Net amount;value_date;TRADE-DATE;Client Ref.\n"
    text += 'USD;"a;b";Buy;100;US0378331005;10.50;1,050.00;2026-11-19;2026-11-18;t1\n'
    assert _read(tmp_path, text) == [TRADE]


def test_a_value_over_two_lines_keeps_the_count_of_lines(tmp_path: Path) -> None:
    text = f'{HEADER},Memo\n{ROW},"one\ntwo"\n{ROW.replace("T1", "T2")},\n'
    assert [(trade.line, trade.trade_id) for trade in _read(tmp_path, text)] == [(2, "T1"), (4, "T2")]


def test_an_empty_blotter_has_no_trades(tmp_path: Path) -> None:
    assert _read(tmp_path, HEADER) == []


def test_every_fault_names_its_line_and_column(tmp_path: Path) -> None:
    text = "\n".join([HEADER, ROW, ROW.replace("100", "abc"), ROW.replace("2026-11-19", "19.11.2026"), ROW + ",x"])
    assert _faults(tmp_path, text) == [
        "line 3, column 'Quantity' (quantity): 'abc' is not a number with '.' as decimal mark",
        "line 4, column 'Settlement Date' (settlement_date): '19.11.2026' is not a day written as YYYY-MM-DD",
        "line 5: 10 cells where the header has 9; is a value with a separator in it unquoted?",
    ]


def test_faults_are_bounded(tmp_path: Path) -> None:
    faults = _faults(tmp_path, "\n".join([HEADER, *["T1,bad,,,,,,,"] * 1000]))
    assert len(faults) == blotters.MAX_FAULTS + 1
    assert faults[-1] == "and more"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "line 1: no column for trade_id"),
        ("hello\nworld\n", "line 1: no column for trade_id"),
        (HEADER.replace("Price", "Prise"), "line 1: no column for price (known headings: price, deal price"),
        (f"title\n{HEADER},Qty", "line 2: two columns say the same: 'Quantity' and 'Qty' (quantity)"),
        (f"{HEADER}\n{ROW}\n{ROW[:15]}", "line 3: 2 cells where the header has 9; is the line cut off?"),
        (f"{HEADER}\n{ROW}\nTRAILER,2", "line 3: the trailer counts 2 rows, the file has 1: is it complete?"),
        (f'{HEADER}\n"T1"x,', "line 2: not CSV"),
        (f"{HEADER}\n{'x' * 200_000}", "line 2: not CSV: field larger than field limit"),
        (f"{HEADER}\n".encode() + b"T\xff", "line 2: not utf-8-sig; save the file as UTF-8"),
        (b"\xff\xfe\x00", "line 1: not utf-16"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, content: str | bytes, fault: str) -> None:
    assert _faults(tmp_path, content)[0].startswith(fault)


def test_our_rows_need_their_reference(tmp_path: Path) -> None:
    text = f"{HEADER}\n{ROW.replace('T1', 'NONREF')}"
    assert _read(tmp_path, text)[0].trade_id == ""
    assert _faults(tmp_path, text, references_required=True) == ["line 2, column 'Trade ID' (trade_id): is empty"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BlotterError, match="No such file"):
        blotters.read(tmp_path / "nothing.csv", CellReader(BlotterFormat()))


def test_files_too_large_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blotters, "MAX_BYTES", 10)
    assert "at most 10 are read" in _faults(tmp_path, HEADER)[0]
    monkeypatch.undo()
    monkeypatch.setattr(blotters, "MAX_ROWS", 2)
    assert _faults(tmp_path, "\n".join([HEADER, *[ROW] * 3]))[0].startswith("more than 2 rows")


@given(data=st.binary(max_size=300))
def test_arbitrary_bytes_raise_only_blotter_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "arbitrary.csv"
    path.write_bytes(HEADER.encode() + b"\n" + data)
    try:
        trades = blotters.read(path, CellReader(BlotterFormat()))
    except BlotterError:
        return
    assert len(trades) <= data.count(b"\n") + data.count(b"\r") + 1


def test_normalised_trades_are_read_back(tmp_path: Path) -> None:
    trades = [TRADE, TRADE._replace(line=9, trade_id='a "quoted", one', quantity=Decimal("0.0000001"))]
    path = tmp_path / "trades.csv"
    text = io.StringIO()
    blotters.write_normalised(trades, text)
    path.write_text(text.getvalue())
    assert blotters.read_normalised(path) == trades
