import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_api import preferences
from tradewind_api.errors import ApiError
from tradewind_contracts.workflows import WorkflowType

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
    assert preferences.wait_seconds(values) == seconds


@given(st.text(VISIBLE, min_size=1, max_size=200))
def test_any_visible_key_survives_quoting(key: str) -> None:
    quoted = '"' + key.replace("\\", r"\\").replace('"', r"\"") + '"'
    assert preferences.idempotency_key([quoted]) == key


@given(st.text(max_size=210))
def test_a_key_is_read_or_refused_and_never_anything_else(value: str) -> None:
    with contextlib.suppress(ApiError):
        key = preferences.idempotency_key([value])
        assert key is not None
        assert 1 <= len(key) <= 200
        assert set(key) <= set(VISIBLE)


@given(st.dictionaries(st.text(string.ascii_letters), st.integers() | st.text()))
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(parameters: dict[str, int | str]) -> None:
    turned = dict(reversed(parameters.items()))
    found = [preferences.fingerprint(WorkflowType.AIRFLOW, each, 3) for each in (parameters, turned)]
    assert found[0] == found[1]
    assert preferences.fingerprint(WorkflowType.AIRFLOW, parameters, 4) != found[0]
    assert preferences.fingerprint(WorkflowType.LANGGRAPH, parameters, 3) != found[0]
