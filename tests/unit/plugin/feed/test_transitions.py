"""A run's transitions as its row proves them: a table, and properties of every row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.feed import settings
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.feed.run_view import RunView, unsent
from tradewind_airflow.feed.transitions import event, event_id, transitions

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def run(state: str, *instants: float | None, updated: float | None = None, **more: Any) -> RunRow:
    """A row with `queued_at`, `start_date`, `end_date` in seconds after noon."""
    queued, started, ended = (None if second is None else at(second) for second in (*instants, None, None, None)[:3])
    last = max(instant for instant in (queued, started, ended, NOON) if instant)
    values = {"id": 1, "dag_id": "dag", "run_id": "run", "clear_number": 0, "is_paused": False, **more}
    return RunRow(
        state=state,
        queued_at=queued,
        start_date=started,
        end_date=ended,
        updated_at=last if updated is None else at(updated),
        **values,
    )


def life(row: RunRow, *questions: Question) -> list[tuple[str, float]]:
    return [(one.status.value, (one.at - NOON).total_seconds()) for one in transitions(row, questions)]


def cancelled(clear_number: int) -> dict[str, Any]:
    return {
        "cancel": {
            "mode": "force",
            "by": "ops",
            "at": "2026-01-01T00:00:00Z",
            "clear_number": clear_number,
            "effective": True,
            "stopped": 1,
        }
    }


@pytest.mark.parametrize(
    ("row", "proven"),
    [
        (run("queued", 1), [("queued", 1)]),
        (run("queued", 1, is_paused=True), [("held", 1)]),
        (run("queued"), []),
        (run("running", 1, 2), [("queued", 1), ("running", 2)]),
        (run("running", 1, 2, is_paused=True), [("queued", 1), ("running", 2)]),
        (run("running", None, 2), [("running", 2)]),
        (run("success", 1, 2, 3), [("queued", 1), ("running", 2), ("succeeded", 3)]),
        (run("failed", 1, 2, 3), [("queued", 1), ("running", 2), ("failed", 3)]),
        # Marked by hand before it began.
        (run("failed", 1, None, 3), [("queued", 1), ("failed", 3)]),
        # Cleared while it ran: Airflow stamps `queued_at`, and the run goes on.
        (run("running", 5, 2, clear_number=1), [("running", 5)]),
        # A cancelled backfill's run has no end.
        (run("failed", 1, updated=4), [("queued", 1), ("failed", 4)]),
        # Marked by hand an hour after its end, which Airflow leaves as it was.
        (run("failed", 1, 2, 3, updated=3600), [("queued", 1), ("running", 2), ("failed", 3600)]),
        (run("failed", 1, 2, 3, envelope=cancelled(0)), [("queued", 1), ("running", 2), ("cancelled", 3)]),
        (run("failed", 1, 2, 3, envelope=cancelled(0), clear_number=1), [("queued", 1), ("running", 2), ("failed", 3)]),
        (run("failed", 1, 2, 3, envelope={"cancel": 7}), [("queued", 1), ("running", 2), ("failed", 3)]),
    ],
)
def test_what_a_row_proves(row: RunRow, proven: list[tuple[str, float]]) -> None:
    assert life(row) == proven


@pytest.mark.parametrize(
    ("questions", "proven"),
    [
        ([Question(at(3))], [("waiting", 3)]),
        ([Question(at(3), at(4))], [("waiting", 3), ("running", 4)]),
        ([Question(at(3), at(4)), Question(at(6))], [("waiting", 3), ("running", 4), ("waiting", 6)]),
        # Two at a time: the run waits until the last answer.
        ([Question(at(3), at(5)), Question(at(4), at(7))], [("waiting", 3), ("running", 7)]),
        ([Question(at(3), at(7)), Question(at(4), at(5))], [("waiting", 3), ("running", 7)]),
        ([Question(at(4), at(5)), Question(at(3))], [("waiting", 3)]),
        # Answered at once: it never waited.
        ([Question(at(3), at(3)), Question(at(2), at(2))], []),
        # Of what was cleared.
        ([Question(at(1), at(1.5))], []),
    ],
)
def test_a_run_waits_while_a_question_is_open(questions: list[Question], proven: list[tuple[str, float]]) -> None:
    assert life(run("running", 1, 2), *questions) == [("queued", 1), ("running", 2), *proven]
    assert life(run("success", 1, 2, 9), *questions)[-1] == ("succeeded", 9)
    assert life(run("queued", 1), *questions) == [("queued", 1)]


seconds = st.one_of(st.none(), st.integers(0, 100).map(float))
rows = st.builds(
    lambda state, queued, started, ended, updated, paused, clears: run(
        state, queued, started, ended, updated=updated, is_paused=paused, clear_number=clears
    ),
    st.sampled_from(["queued", "running", "success", "failed"]),
    seconds,
    seconds,
    seconds,
    st.integers(0, 200).map(float),
    st.booleans(),
    st.integers(0, 2),
)
questions = st.lists(
    st.builds(
        lambda asked, took: Question(at(asked), took if took is None else at(asked + took)),
        st.integers(0, 100),
        seconds,
    ),
    max_size=4,
)


@given(rows, questions)
def test_each_transition_is_an_event_with_a_unique_id(row: RunRow, asked: list[Question]) -> None:
    proven = transitions(row, asked)
    events = [event(row, one) for one in proven]
    assert len({one.event_id for one in events}) == len(events)
    assert [one.payload.status for one in events] == [one.status for one in proven]
    assert events == [event(row, one) for one in transitions(row, reversed(asked))]


def test_an_event_has_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__TRADEWIND__ENVIRONMENT", "uat")
    settings.metadata.cache_clear()
    row = run("running", 1, 2)
    assert {event(row, one).metadata.environment for one in transitions(row)} == {"uat"}
    settings.metadata.cache_clear()


@given(rows, questions)
def test_an_end_comes_last_and_only_an_ended_row_has_one(row: RunRow, asked: list[Question]) -> None:
    ends = [one.status.is_terminal for one in transitions(row, asked)]
    assert any(ends) == (row.state in {"success", "failed"})
    assert not any(ends[:-1])


@given(rows)
def test_an_id_depends_on_what_identifies_the_transition(row: RunRow) -> None:
    for one in transitions(row):
        others = [
            replace(row, dag_id="other"),
            replace(row, run_id="other"),
            replace(row, clear_number=row.clear_number + 1),
        ]
        assert event_id(row, one) not in {event_id(other, one) for other in others}
        assert event_id(row, one) == event_id(replace(row, updated_at=at(999), is_paused=True, envelope={}), one)


@given(rows, questions, st.data())
def test_a_reconnecting_client_gets_the_events_after_its_last(
    row: RunRow, asked: list[Question], data: st.DataObject
) -> None:
    view = RunView(row, tuple(asked))
    ids = view.event_ids
    assert unsent(ids, None) == unsent(ids, "of another go") == 0
    if ids:
        index = data.draw(st.integers(0, len(ids) - 1))
        assert unsent(ids, ids[index]) == index + 1
        assert view.document(index) == event(row, view.transitions[index]).model_dump_json()
