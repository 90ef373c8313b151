"""A time is turned into the row ids around it, whatever rows are missing and however old the first ones are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.tasklog import LogTemplate
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, insert
from sqlalchemy.orm import Session

from tradewind_airflow.runs.read import creation_time

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """An empty table of runs."""
    engine = create_engine("sqlite://")
    for table in (LogTemplate.__table__, DagRun.__table__):
        table.create(engine)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def hours(number: float) -> datetime:
    return BEGIN + timedelta(hours=number)


def fill(session: Session, created: dict[int, datetime | None]) -> None:
    """Row id -> when it was created; None for a row from before Airflow 3.2."""
    session.execute(delete(DagRun))
    rows = [
        {"id": row_id, "dag_id": "a", "run_id": str(row_id), "run_type": "manual", "run_after": BEGIN, "created_at": at}
        for row_id, at in created.items()
    ]
    if rows:
        session.execute(insert(DagRun.__table__), rows)


@given(gaps=st.lists(st.integers(1, 40), max_size=40), old=st.integers(0, 5), asked=st.floats(-2, 45, allow_nan=False))
def test_the_boundary_is_where_the_rows_say(session: Session, gaps: list[int], old: int, asked: float) -> None:
    ids = [sum(gaps[: n + 1]) for n in range(len(gaps))]
    created = {row_id: None if n < old else hours(n) for n, row_id in enumerate(ids)}
    fill(session, created)
    for instant in (hours(asked), hours(int(asked))):
        first = creation_time.first_id(session, instant)
        end = creation_time.end_id(session, instant)
        late = {row_id for row_id, at in created.items() if at and at >= instant}
        assert all(row_id >= first for row_id in late)
        assert all(row_id < end for row_id in created.keys() - late)
        # Not merely right: of the rows that it leaves over, none is further off than the slack.
        slack = creation_time.SLACK
        assert {row_id for row_id, at in created.items() if row_id >= first} == {
            row_id for row_id, at in created.items() if at and at >= instant - slack
        }
        assert {row_id for row_id, at in created.items() if row_id < end} == {
            row_id for row_id, at in created.items() if at is None or at < instant + slack
        }


def test_no_rows_have_no_boundary(session: Session) -> None:
    fill(session, {})
    assert creation_time.first_id(session, BEGIN) == creation_time.end_id(session, BEGIN) == 0
