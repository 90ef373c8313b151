"""A cursor holds where a page ended, and any other text is refused."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.web import page_cursors
from tradewind_service.problem_responses import ProblemError


@given(st.integers(0, 2**31))
def test_a_cursor_round_trips(row_id: int) -> None:
    cursor = page_cursors.encode(row_id)
    assert len(cursor) <= page_cursors.MAX_LENGTH
    assert page_cursors.decode(cursor) == row_id


@given(
    st.text(max_size=page_cursors.MAX_LENGTH) | st.binary(max_size=20).map(lambda text: base64.b64encode(text).decode())
)
def test_any_text_is_a_row_or_refused(text: str) -> None:
    with suppress(ProblemError):
        assert 0 <= page_cursors.decode(text) <= 2**31


@pytest.mark.parametrize("plain", [b"", b"1", b"1:", b"1:-1", b"1:x", b"2:5", b"1:99999999999", "1:٣".encode()])
def test_a_foreign_cursor_is_refused(plain: bytes) -> None:
    with pytest.raises(ProblemError):
        page_cursors.decode(base64.urlsafe_b64encode(plain).decode())
