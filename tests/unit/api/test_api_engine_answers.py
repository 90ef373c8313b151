"""Answers of an engine that break the contract in one place: the rest of them is used."""

import json
import logging
from typing import Any

import pytest

from support.engine_suite import INFO, run_status
from tradewind_api import engine_answers
from tradewind_api.engine_answers import MAX_WARNINGS, OnceLogger
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus

GOOD = INFO.model_dump(mode="json")
STATUS = run_status("r").model_dump(mode="json")


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"a": value}
    return value


def infos_of(entries: list[Any]) -> tuple[list[WorkflowInfo], list[str]]:
    """The valid entries, and what was logged of the others."""
    warnings: list[str] = []
    return engine_answers.workflow_infos(json.dumps(entries).encode(), warnings.append), warnings


@pytest.mark.parametrize(
    ("entry", "warning"),
    [
        (
            GOOD | {"workflow_id": "abstimmung_für_heute"},
            "entry 'abstimmung_für_heute' of the workflow list is skipped",
        ),
        (GOOD | {"workflow_id": "x" * 100_000}, "workflow_id String should have at most 250 characters"),
        (GOOD | {"workflow_id": {"a": ["b"]}}, "workflow_id Input should be a valid string"),
        ({"workflow_id": "a"}, "entry 'a' of the workflow list is skipped: workflow_type Field required"),
        ({}, "entry 1 of the workflow list is skipped"),
        (GOOD | {"parameters_schema": [1]}, "parameters_schema Input should be an object"),
        (GOOD | {"parameters_schema": None}, "parameters_schema"),
        (GOOD | {"parameters_schema": nested(500)}, "is skipped"),
        (GOOD | {"description": None}, "description Input should be a valid string"),
        (GOOD | {"description": "\ud800"}, "is skipped"),
        (GOOD | {"workflow_type": "cron"}, "workflow_type"),
        ("recon", "entry 1 of the workflow list is skipped"),
        (None, "entry 1 of the workflow list is skipped"),
        ([GOOD], "entry 1 of the workflow list is skipped"),
    ],
)
def test_an_entry_that_breaks_the_contract_costs_that_entry_alone(entry: Any, warning: str) -> None:
    infos, warnings = infos_of([GOOD, entry, GOOD | {"workflow_id": "other"}])
    assert [info.workflow_id for info in infos] == ["recon_break_resolution", "other"]
    assert len(warnings) == 1
    assert warning in warnings[0]
    assert len(warnings[0]) < 600


def test_a_huge_description_is_within_the_contract() -> None:
    infos, warnings = infos_of([GOOD | {"description": "x" * 2_000_000}, GOOD | {"workflow_id": "other"}])
    assert [len(info.description) for info in infos] == [2_000_000, len(INFO.description)]
    assert warnings == []


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"\xff", b"{}", b"null", b"1", b"[1]", b"[{}, null]", b"[" * 100_000 + b"]" * 100_000],
)
def test_what_is_no_list_or_has_no_valid_entry_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        engine_answers.workflow_infos(content, lambda _: None)


def test_an_empty_list_is_one() -> None:
    assert infos_of([]) == ([], [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("workflow_id", "abstimmung_für_heute"),
        ("workflow_type", "cron"),
        ("error", {"text": "no string"}),
        ("started_at", "yesterday"),
        ("completed_at", "2026-01-01T00:00:00"),
        ("stale", "perhaps"),
    ],
)
def test_an_optional_field_of_a_status_that_is_not_valid_costs_that_field_alone(field: str, value: Any) -> None:
    warnings: list[str] = []
    found = engine_answers.run_status(json.dumps(STATUS | {field: value}).encode(), warnings.append)
    default = WorkflowStatus.model_fields[field].default
    assert found == run_status("r").model_copy(update={field: default})
    assert field in warnings[0]


@pytest.mark.parametrize(
    "answer",
    [
        {"workflow_run_id": "r"},
        STATUS | {"status": "paused"},
        STATUS | {"progress": 2},
        STATUS | {"workflow_run_id": "no id"},
        STATUS | {"result": "\ud800"},
        [],
        None,
    ],
)
def test_a_status_without_a_valid_required_field_is_refused(answer: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        engine_answers.run_status(json.dumps(answer).encode(), lambda _: None)


def test_a_warning_is_logged_once_and_their_number_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    once = OnceLogger("airflow")
    with caplog.at_level(logging.WARNING):
        for number in range(3 * MAX_WARNINGS):
            once.warn("the same")
            once.warn(f"entry {number}")
    assert caplog.messages.count("airflow: the same") == 1
    assert len(caplog.messages) == MAX_WARNINGS
