import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_service import request_headers
from tradewind_service.problem_responses import ProblemError

VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([], None),
        (["wait=10"], 10),
        (['WAIT = "10"'], 10),
        (["respond-async, wait=7"], 7),
        (["respond-async", "wait=7"], 7),
        (["wait=7, wait=9"], 7),
        (["wait=7;strict"], 7),
        (["wait=600"], 60),
        (["wait=0"], 0),
        (["wait"], None),
        (["wait=-1"], None),
        (["wait=soon"], None),
        (["wait=1.5"], None),
        (["wait=" + "9" * 400], None),
        (["handling=lenient"], None),
    ],
)
def test_prefer_is_read_as_rfc_7240_writes_it(values: list[str], seconds: int | None) -> None:
    assert request_headers.wait_seconds(values) == seconds


@given(st.text(VISIBLE, min_size=1, max_size=200))
def test_any_visible_key_survives_quoting(key: str) -> None:
    quoted = '"' + key.replace("\\", r"\\").replace('"', r"\"") + '"'
    assert request_headers.idempotency_key([quoted]) == key


@given(st.text(max_size=210))
def test_a_key_is_read_or_rejected_and_never_anything_else(value: str) -> None:
    with contextlib.suppress(ProblemError):
        key = request_headers.idempotency_key([value])
        assert key is not None
        assert 1 <= len(key) <= 200
        assert set(key) <= set(VISIBLE)
