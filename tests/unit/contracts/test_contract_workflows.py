"""The REST models: limits, and what is rejected."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tradewind_contracts.workflows import RunStatus, WorkflowInfo, WorkflowRequest, WorkflowResponse, WorkflowStatus

ITEM: dict[str, Any] = {"workflow_id": "w", "workflow_type": "airflow"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"workflow_id": ""},
        {"workflow_id": "a/b"},
        {"workflow_type": "cron"},
        {"priority": 11},
        {"priority": -1},
        {"priority": "1"},
        {"priority": False},
        {"parameters": None},
        {"parameters": {"a": "\0"}},
        {"parmeters": {}},
    ],
)
def test_requests_that_are_rejected(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkflowRequest.model_validate(ITEM | wrong)


def test_a_request_has_the_brief_s_defaults() -> None:
    request = WorkflowRequest.model_validate(ITEM)
    assert (request.parameters, request.priority) == ({}, 0)


def test_the_brief_s_fields_are_all_there() -> None:
    fields: dict[type[BaseModel], set[str]] = {
        WorkflowRequest: {"workflow_id", "workflow_type", "parameters", "priority"},
        WorkflowResponse: {"workflow_run_id", "status", "created_at", "workflow_id", "workflow_type"},
        WorkflowStatus: {"workflow_run_id", "status", "progress", "result", "error", "started_at", "completed_at"},
        WorkflowInfo: {"workflow_id", "workflow_type", "description", "parameters_schema"},
    }
    for model, expected in fields.items():
        assert expected <= set(model.model_fields)
        added = set(model.model_fields) - expected
        assert not any(model.model_fields[name].is_required() for name in added)


def test_four_states_are_terminal() -> None:
    terminal = {RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.REJECTED}
    assert {status for status in RunStatus if status.is_terminal} == terminal
