"""Cells as blotters write them, and what is refused instead of guessed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.recon.cells import BlotterFormat, CellError, CellReader, DateFormat, check_digit
from tradewind_airflow.recon.trades import Side

POINT = CellReader(BlotterFormat())
COMMA = CellReader(BlotterFormat(decimal_mark=",", date_format="DD.MM.YYYY"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1234.50", "1234.5"), ("1,234.50", "1234.5"), ("1,234,567", "1234567"), ("1 234 567.8", "1234567.8"),
        ("1'234.5", "1234.5"), ("1\u2019234.5", "1234.5"), ("1\u202f234", "1234"), (" 12\u00a0", "12"),
        ("0.000001", "0.000001"),
        ("-12.5", "12.5"), ("+12", "12"), ("12.5-", "12.5"), ("(1,234.50)", "1234.5"), ("\u221212", "12"), ("0", "0"),
    ],
)  # fmt: skip
def test_numbers_with_a_decimal_point(text: str, value: str) -> None:
    assert POINT.number(text) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "value"), [("1.234,50", "1234.5"), ("1234,5", "1234.5"), ("1.234", "1234"), ("(1.234.567,8)", "1234567.8")]
)
def test_numbers_with_a_decimal_comma(text: str, value: str) -> None:
    assert COMMA.number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    ["", " ", "abc", "1.234,50", "12,34", "1,2345", "1,234 567", "1.2.3", "--5", "1e5", "NaN", "Infinity", "5%", "$5",
     "()", "-", "1" * 29, "\u0661\u0662", "1,234,56", "0x10", "1_000", "="],
)  # fmt: skip
def test_numbers_that_are_refused(text: str) -> None:
    with pytest.raises(CellError):
        POINT.number(text)


@given(value=st.decimals(0, 10**15, places=4), mark=st.sampled_from([".", ","]))
def test_a_number_is_read_as_it_was_written(value: Decimal, mark: str) -> None:
    written = f"{value:,f}" if mark == "." else f"{value:,f}".translate(str.maketrans(",.", ".,"))
    reader = CellReader(BlotterFormat.model_validate({"decimal_mark": mark}))
    assert reader.number(written) == value


def test_a_trade_of_nothing_is_refused() -> None:
    with pytest.raises(CellError, match="the quantity is 0"):
        POINT.quantity("0.00")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("YYYY-MM-DD", "2026-03-04"), ("DD/MM/YYYY", "04/03/2026"), ("MM/DD/YYYY", "03/04/2026"),
        ("DD.MM.YYYY", " 04.03.2026"), ("YYYYMMDD", "20260304"), ("DD-MON-YYYY", "04-MAR-2026"),
    ],
)  # fmt: skip
def test_days_in_each_format(written: DateFormat, text: str) -> None:
    assert CellReader(BlotterFormat(date_format=written)).day(text) == date(2026, 3, 4)


@pytest.mark.parametrize("text", ["", "04/03/2026", "2026-02-30", "20260304", "2026-03-04T00:00:00", "today"])
def test_a_day_in_another_format_is_refused(text: str) -> None:
    with pytest.raises(CellError, match="YYYY-MM-DD"):
        POINT.day(text)


@pytest.mark.parametrize("text", ["US0378331005", "us0378331005", " US 0378331005 ", "DE0007164600", "CH0038863350"])
def test_isins(text: str) -> None:
    assert POINT.isin(text) == text.replace(" ", "").upper()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("US0378331004", "check digit, 5 would be right"),
        ("US0378313005", "check digit"),
        ("037833100", "not an ISIN"),
        ("", "not an ISIN"),
        ("1S0378331005", "not an ISIN"),
        ("US037833100A", "not an ISIN"),
    ],
)
def test_isins_that_are_refused(text: str, fault: str) -> None:
    with pytest.raises(CellError, match=fault):
        POINT.isin(text)


@given(
    stem=st.from_regex(r"[A-Z]{2}[A-Z0-9]{9}", fullmatch=True),
    place=st.integers(0, 10),
    other=st.sampled_from("0123456789"),
)
def test_a_check_digit_finds_a_wrong_digit(stem: str, place: int, other: str) -> None:
    assert POINT.isin(stem + check_digit(stem)) == stem + check_digit(stem)
    changed = stem[:place] + other + stem[place + 1 :]
    if stem[place].isdigit() and changed != stem:
        assert check_digit(changed) != check_digit(stem)


@pytest.mark.parametrize("text", ["B", "buy", " Bought", "BUYI", "RECE", "r", "1"])
def test_words_for_buying(text: str) -> None:
    assert POINT.side(text) is Side.BUY
    assert CellReader(BlotterFormat(), mirrored=True).side(text) is Side.SELL


@pytest.mark.parametrize("text", ["S", "sell", "Sold", "DELI", "d", "2", "5"])
def test_words_for_selling(text: str) -> None:
    assert POINT.side(text) is Side.SELL


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (POINT.side, ""), (POINT.side, "transfer"),
        (POINT.currency, ""), (POINT.currency, "EURO"), (POINT.currency, "US$"),
        (POINT.currency, "GBp"), (POINT.currency, "GBX"),
    ],
)  # fmt: skip
def test_sides_and_currencies_that_are_refused(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(CellError):
        read(text)


def test_currencies_and_references() -> None:
    assert [POINT.currency(text) for text in ("EUR", " usd ")] == ["EUR", "USD"]
    assert [POINT.reference(text) for text in (" ab1 ", "NONREF", "n/a", "-", "")] == ["AB1", "", "", "", ""]


def test_a_long_cell_is_not_quoted_in_full() -> None:
    with pytest.raises(CellError) as caught:
        POINT.number("x" * 100_000)
    assert len(str(caught.value)) < 200
