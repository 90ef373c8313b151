"""How a command is reported: to the caller, in the log and in the metrics."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.observability import stats

from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_airflow.web import commands
from tradewind_contracts.problems import ProblemType

CALLER: Any = SimpleNamespace(name="ann")
TO = RunAddress("run-1", CALLER)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """The tags of the counted commands."""
    found: list[dict[str, str]] = []
    monkeypatch.setattr(stats, "incr", lambda name, tags: found.append({"name": name, **tags}))
    return found


@pytest.mark.parametrize(
    ("error", "expected", "outcome"),
    [
        (None, None, "done"),
        (RefusedError(ProblemType.STATE_CONFLICT, "it has ended"), RefusedError, "state-conflict"),
        (OSError("gone"), OSError, "failed"),
    ],
)
def test_each_command_is_counted_and_logged_once(
    counted: list[dict[str, str]],
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
    expected: type[Exception] | None,
    outcome: str,
) -> None:
    with caplog.at_level(logging.INFO, commands.__name__):
        raised = run(error)
    assert type(raised) is (expected or type(None))
    assert counted == [{"name": "tradewind.commands", "command": "cancel", "outcome": outcome}]
    assert [record.getMessage() for record in caplog.records] == [f"cancel of run run-1 by ann: {outcome}"]


def run(error: Exception | None) -> Exception | None:
    """Report on a command that raises `error`; return what its caller gets."""
    try:
        with commands._reported("cancel", TO):
            fail_with(error)
    except (RefusedError, OSError) as raised:
        return raised
    return None


def fail_with(error: Exception | None) -> None:
    if error:
        raise error
