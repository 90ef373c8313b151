"""The REST models, the batches and the topics: limits, and what is refused."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from tradewind_contracts import topics
from tradewind_contracts.batches import BatchRequest
from tradewind_contracts.workflows import RunStatus, WorkflowInfo, WorkflowRequest, WorkflowResponse, WorkflowStatus

ITEM: dict[str, Any] = {"workflow_id": "w", "workflow_type": "airflow"}


@pytest.mark.parametrize("size", [1, 2, 499, 500])
def test_batches_that_are_taken(size: int) -> None:
    assert len(BatchRequest.model_validate({"items": [ITEM] * size}).items) == size


@pytest.mark.parametrize("size", [0, 501, 1000])
def test_batches_that_are_refused(size: int) -> None:
    with pytest.raises(ValidationError):
        BatchRequest.model_validate({"items": [ITEM] * size})


@pytest.mark.parametrize(
    "wrong",
    [
        {"workflow_run_id": "scheduled__1"},
        {"workflow_run_id": ""},
        {"origin": {"event_id": "e"}},
        {"origin": {"event_id": "e", "source": "s", "timestamp": "2026-11-20T09:00:00"}},
        {"origin": {"event_id": "e", "source": "s", "timestamp": "2026-11-20T09:00:00Z", "traceparent": "0" * 56}},
        {"dag_run_id": "misspelt"},
    ],
)
def test_items_that_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        BatchRequest.model_validate({"items": [ITEM | wrong]})


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
def test_requests_that_are_refused(wrong: dict[str, Any]) -> None:
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


def test_topics_are_those_of_the_plan() -> None:
    assert {topic.name: topic.partitions for topic in topics.TOPICS} == {
        "workflow-events": 6,
        "workflow-status": 6,
        "workflow-events.dlq": 1,
    }
    assert topics.WORKFLOW_EVENTS.config == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * 24 * 3600 * 1000),
        "max.message.bytes": "1048576",
    }


def test_a_dead_letter_has_room_for_the_largest_record_and_its_reason() -> None:
    assert topics.DEAD_LETTERS.max_message_bytes >= 2 * topics.WORKFLOW_EVENTS.max_message_bytes
    assert topics.DEAD_LETTERS.retention_ms > topics.WORKFLOW_EVENTS.retention_ms
