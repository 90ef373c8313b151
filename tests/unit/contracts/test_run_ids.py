"""Run ids: RFC 9562 bits, order in time, sameness for the same inputs, and Airflow's own rules."""

import re
import time
import uuid
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tradewind_contracts import run_ids

RUN_ID = TypeAdapter[str](run_ids.RunId)
TRIGGERED = TypeAdapter[str](run_ids.TriggeredRunId)
text = st.text(max_size=30)


def test_a_new_id_is_a_version_7_uuid_of_now() -> None:
    before = time.time_ns() // 1_000_000
    value = uuid.UUID(run_ids.new())
    after = time.time_ns() // 1_000_000
    assert (value.version, value.variant) == (7, uuid.RFC_4122)
    assert before <= value.int >> 80 <= after


def test_new_ids_sort_by_time_as_text() -> None:
    made = []
    for _ in range(20):
        made.append(run_ids.new())
        time.sleep(0.002)
    assert made == sorted(made)


def test_new_ids_differ() -> None:
    assert len({run_ids.new() for _ in range(10_000)}) == 10_000


@given(caller=text, workflow=text, key=text)
def test_the_same_key_gives_the_same_version_5_uuid(caller: str, workflow: str, key: str) -> None:
    made = run_ids.from_idempotency_key(caller, workflow, key)
    assert made == run_ids.from_idempotency_key(caller, workflow, key)
    assert (uuid.UUID(made).version, uuid.UUID(made).variant) == (5, uuid.RFC_4122)


@given(first=st.tuples(text, text, text), second=st.tuples(text, text, text))
def test_different_keys_give_different_ids(first: tuple[str, str, str], second: tuple[str, str, str]) -> None:
    same = run_ids.from_idempotency_key(*first) == run_ids.from_idempotency_key(*second)
    assert same == (first == second)


@given(parts=st.tuples(text, text), cut=st.integers(0, 60))
def test_a_boundary_moved_within_the_same_text_gives_another_id(parts: tuple[str, str], cut: int) -> None:
    whole = "".join(parts)
    moved = (whole[:cut], whole[cut:])
    assert (run_ids.from_event(*parts) == run_ids.from_event(*moved)) == (parts == moved)


@given(source=text)
def test_a_length_prefix_cannot_be_forged(source: str) -> None:
    assert run_ids.from_event(source, "1:a") != run_ids.from_event(source + "3:1:a", "")
    assert run_ids.from_record("t1", 2, 3) != run_ids.from_record("t", 12, 3)


def test_the_kinds_of_origin_never_meet() -> None:
    same = [run_ids.from_event("a", "1"), run_ids.from_record("a", 1, 1), run_ids.from_idempotency_key("a", "1", "1")]
    assert len(set(same)) == 3


def test_ids_are_the_same_in_every_release() -> None:
    """Changing these makes a second run of every event that is delivered again over an upgrade."""
    assert run_ids.from_idempotency_key("ops", "recon_break_resolution", "2026-11-20") == (
        "6da639d7-02d8-54c8-9016-b3f662137ebd"
    )
    assert run_ids.from_event("urn:desk", "e-1") == "89ace5b6-521a-54db-9af7-ab8bbe6208cc"
    assert run_ids.from_record("workflow-events", 3, 41) == "3b7ba687-ae82-5a08-8c35-baeb06731e28"


MAKERS: list[Callable[[], str]] = [
    run_ids.new,
    lambda: run_ids.from_event("s", "e"),
    lambda: run_ids.from_record("t", 0, 0),
    lambda: run_ids.from_idempotency_key("c", "w", "k"),
]


@pytest.mark.parametrize("make", MAKERS)
def test_every_id_of_ours_may_be_a_dag_run_id(make: Callable[[], str]) -> None:
    made = make()
    assert TRIGGERED.validate_python(made) == made
    assert re.fullmatch(r"[0-9a-f-]{36}", made)


@pytest.mark.parametrize("bad", ["", "a b", "a/b", "a\n", "é", "x" * 251, "a%20", "\0"])
def test_what_no_run_id_may_be(bad: str) -> None:
    with pytest.raises(ValidationError):
        RUN_ID.validate_python(bad)


RESERVED = ["scheduled__", "backfill__", "asset_triggered__", "operator_triggered__", "asset_materialization__"]


@pytest.mark.parametrize("bad", [*(prefix + "2026" for prefix in RESERVED), "a..b", ".."])
def test_what_a_caller_may_not_choose(bad: str) -> None:
    assert RUN_ID.validate_python(bad) == bad
    with pytest.raises(ValidationError, match="must not contain"):
        TRIGGERED.validate_python(bad)


@pytest.mark.parametrize("good", ["manual__2026-11-20T09:00:00+00:00", "a", "x" * 250, "A.b_c~d:e+f-g", "scheduled_"])
def test_what_a_caller_may_choose(good: str) -> None:
    assert TRIGGERED.validate_python(good) == good


@pytest.mark.parametrize(
    ("run_id", "expected"),
    [("scheduled__2026-11-20T00:00:00+00:00", True), ("asset_triggered__x", True), ("manual__x", False), ("", False)],
)
def test_airflow_gives_some_ids_by_itself(run_id: str, expected: bool) -> None:  # a case
    assert run_ids.is_made_by_airflow(run_id) is expected
