"""The events that a run's row gives."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind_agents import status, status_events
from tradewind_agents.graphs import MAX_ERROR
from tradewind_agents.registry import load
from tradewind_agents.runs import AgentRun
from tradewind_contracts import records
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowType

STARTED = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _run(**more: Any) -> AgentRun:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "workflow_id": "settlement_fail_triage",
        "parameters": {"a": 1},
        "priority": 0,
        "status": RunStatus.SUCCEEDED,
        "result": {"owner": "us"},
        "error": None,
        "created_at": STARTED,
        "started_at": STARTED,
        "completed_at": STARTED + timedelta(seconds=1),
    }
    return AgentRun(**(values | more))


def test_repeats_have_the_same_id() -> None:
    first, again = (status_events.ended(_run(), "dev") for _ in range(2))
    assert first == again
    assert first.event_id != status_events.running(_run(), "dev").event_id
    assert first.event_id != status_events.ended(_run(run_id="run-2"), "dev").event_id


def test_they_are_events_of_the_contract() -> None:
    for event in (status_events.running(_run(), "test"), status_events.ended(_run(), "test")):
        record = records.encode(event)
        assert records.decode(record.value, record.headers).event == event
        assert (event.key, event.metadata.environment) == (b"run-1", "test")


def test_a_failure_carries_its_error() -> None:
    event = status_events.ended(_run(status=RunStatus.FAILED, result=None, error="ValueError: no"), "dev")
    assert (event.event_type, event.payload.error) == ("workflow.failed", "ValueError: no")


def test_a_large_result_stays_in_the_database() -> None:
    large = _run(result={"text": "x" * status_events.MAX_RESULT})
    event = status_events.ended(large, "dev")
    assert event.payload.result is None
    assert len(records.encode(event).value) < 1_000_000
    assert MAX_ERROR < 10_000


def test_a_run_is_of_its_own_trigger() -> None:
    values: dict[str, Any] = {
        "source": "t",
        "workflow_type": WorkflowType.LANGGRAPH,
        "workflow_run_id": "run-1",
        "workflow_id": "settlement_fail_triage",
    }
    assert _run().is_requested_by(WorkflowTriggered(payload=TriggerPayload(parameters={"a": 1}), **values))
    assert not _run().is_requested_by(WorkflowTriggered(payload=TriggerPayload(parameters={"a": 2}), **values))
    assert not _run().is_requested_by(
        WorkflowTriggered(payload=TriggerPayload(parameters={"a": 1}, priority=9), **values)
    )
    assert not _run(workflow_id="other").is_requested_by(
        WorkflowTriggered(payload=TriggerPayload(parameters={"a": 1}), **values)
    )


def test_progress() -> None:
    workflow = load(["tradewind_agents.workflows"])["settlement_fail_triage"]
    active = _run(status=RunStatus.RUNNING, result=None, completed_at=None)
    assert [status.of(active, steps, workflow).progress for steps in (0, 2, 5, 50)] == [0, 0.4, 0.99, 0.99]
    assert status.of(active, 3, None).progress == 0
    assert status.of(_run(), 0, None).progress == 1
