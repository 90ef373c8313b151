"""What a run's state means, as a function and as SQL: both say the same of every row."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import Any

import pytest
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import DagRunState
from sqlalchemy import JSON, Column, Connection, Integer, MetaData, String, Table, create_engine, select

from tradewind_airflow.runs import run_states
from tradewind_airflow.runs.envelope import RESERVED_KEY, Cancellation, RunEnvelope, conf_of, with_envelope
from tradewind_airflow.runs.run_states import is_cancelled, run_status
from tradewind_contracts.batches import BatchItem
from tradewind_contracts.events import CancelMode
from tradewind_contracts.workflows import RunStatus, WorkflowType

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "paused", "expected"),
    [
        ("queued", False, RunStatus.QUEUED),
        ("queued", True, RunStatus.HELD),
        ("running", False, RunStatus.RUNNING),
        ("running", True, RunStatus.RUNNING),
        ("success", True, RunStatus.SUCCEEDED),
        ("failed", True, RunStatus.FAILED),
    ],
)
def test_states_become_the_contracts_words(state: str, paused: bool, expected: RunStatus) -> None:
    assert run_status(state, is_paused=paused) is expected


def test_every_state_of_airflow_has_a_word() -> None:
    assert all(run_status(state) for state in DagRunState)


def test_only_a_running_run_waits_for_a_person() -> None:
    waiting = {state.value for state in DagRunState if run_status(state, is_waiting=True) is RunStatus.WAITING}
    assert waiting == {"running"}


def conf(clear_number: int = 0, *, effective: bool = True) -> dict[str, Any]:
    cancel = Cancellation(mode=CancelMode.GRACEFUL, by="ann", at=NOW, clear_number=clear_number, effective=effective)
    return with_envelope({}, RunEnvelope(cancel=cancel))


@pytest.mark.parametrize(
    ("state", "clear_number", "effective", "expected"),
    [
        ("failed", 0, True, True),
        ("running", 0, True, False),
        ("success", 0, True, False),
        ("failed", 1, True, False),
        ("failed", 0, False, False),
    ],
)
def test_a_run_is_cancelled_until_it_is_retried(
    state: str, clear_number: int, *, effective: bool, expected: bool
) -> None:
    envelope = conf(effective=effective)[RESERVED_KEY]
    assert is_cancelled(envelope, clear_number=clear_number, state=state) is expected


def test_a_failed_run_without_a_cancel_failed() -> None:
    item = BatchItem(workflow_id="w", workflow_type=WorkflowType.AIRFLOW, parameters={"a": [1]}, priority=7)
    assert not is_cancelled(None, clear_number=0, state="failed")
    assert not is_cancelled(conf_of(item)[RESERVED_KEY], clear_number=0, state="failed")


CONFS = {
    "none": {},
    "cancelled": conf(),
    "retried": conf(clear_number=1),
    "in vain": conf(effective=False),
    "foreign": {RESERVED_KEY: {"cancel": "yes"}},
}
ROWS = list(product(DagRunState, ("paused", "active"), CONFS, (False, True)))


@pytest.fixture(scope="module")
def database() -> Iterator[Connection]:
    """A row of each kind in the columns that the conditions read."""
    with create_engine("sqlite://").begin() as connection:
        for model in (DagRun, TaskInstance, HITLDetail):
            _loose(model.__table__).create(connection)
        for number, (state, dag_id, kind, waits) in enumerate(ROWS):
            run = {"id": number, "dag_id": dag_id, "run_id": str(number), "state": state, "clear_number": 0}
            connection.execute(_loose(DagRun.__table__).insert(), run | {"conf": CONFS[kind]})
            if waits:
                task = {"id": str(number), "dag_id": dag_id, "run_id": str(number), "state": "awaiting_input"}
                connection.execute(_loose(TaskInstance.__table__).insert(), task)
                connection.execute(_loose(HITLDetail.__table__).insert(), {"ti_id": str(number)})
        yield connection


def _loose(table: Any) -> Table:
    """The table with its columns' names alone: Airflow's own demands a whole database."""
    types = {"conf": JSON, "clear_number": Integer, "id": Integer if table.name == "dag_run" else String}
    return Table(table.name, MetaData(), *(Column(column.name, types.get(column.name, String)) for column in table.c))


@pytest.mark.parametrize("status", list(RunStatus))
def test_the_conditions_in_sql_find_what_the_function_says(database: Connection, status: RunStatus) -> None:
    expected = {number for number, row in enumerate(ROWS) if _status(*row) is status}
    found = set()
    if status in (conditions := run_states.status_conditions(["paused"])):
        state, condition = conditions[status]
        found = set(database.scalars(select(DagRun.id).where(DagRun.state == state, condition)))
    assert found == expected


def _status(state: DagRunState, dag_id: str, kind: str, waits: bool) -> RunStatus:
    cancelled = is_cancelled(CONFS[kind].get(RESERVED_KEY), clear_number=0, state=state)
    return run_status(state, is_paused=dag_id == "paused", is_cancelled=cancelled, is_waiting=waits)
