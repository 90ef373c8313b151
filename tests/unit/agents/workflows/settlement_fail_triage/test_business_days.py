"""T2's calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_agents.workflows.settlement_fail_triage import business_days


@pytest.mark.parametrize(
    "easter",
    ["1999-04-04", "2000-04-23", "2008-03-23", "2011-04-24", "2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28"],
)
def test_easter_closes_t2_on_both_sides(easter: str) -> None:
    sunday = date.fromisoformat(easter)
    assert not business_days.is_business_day(sunday - timedelta(days=2))
    assert not business_days.is_business_day(sunday + timedelta(days=1))
    assert business_days.is_business_day(sunday - timedelta(days=3))
    assert business_days.is_business_day(sunday + timedelta(days=2))


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-11-20", "2026-11-20", 1),
        ("2026-11-20", "2026-11-19", 0),
        ("2026-11-13", "2026-11-20", 6),
        ("2026-11-21", "2026-11-22", 0),
        ("2026-04-02", "2026-04-07", 2),
        ("2026-12-24", "2026-12-28", 2),
        ("2026-12-31", "2027-01-04", 2),
        ("2026-04-30", "2026-05-04", 2),
    ],
)
def test_count(first: str, last: str, days: int) -> None:
    assert business_days.count(date.fromisoformat(first), date.fromisoformat(last)) == days


@given(st.dates(date(1990, 1, 1), date(2100, 12, 1)), st.integers(0, 400), st.integers(0, 400))
def test_counts_add_up(first: date, one: int, two: int) -> None:
    middle = first + timedelta(days=one)
    last = middle + timedelta(days=two + 1)
    parts = business_days.count(first, middle) + business_days.count(middle + timedelta(days=1), last)
    assert parts == business_days.count(first, last)
