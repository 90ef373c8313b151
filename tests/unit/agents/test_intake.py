"""What is done with a record."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from support.agent_workflows import steps
from tradewind_agents.intake import Accepted, Decision, Intake, Rejected, Skipped
from tradewind_agents.registry import AgentWorkflow
from tradewind_contracts import records, run_ids
from tradewind_contracts.dead_letters import MAX_DETAIL, MAX_ERRORS
from tradewind_contracts.events import (
    CancelRequested,
    ResumePayload,
    ResumeRequested,
    StatusPayload,
    TriggerPayload,
    WorkflowStatusChanged,
    WorkflowTriggered,
)
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_service.received_records import ReceivedRecord

RUN_ID = run_ids.new()
COMMON: dict[str, Any] = {
    "source": "test",
    "workflow_id": "demo",
    "workflow_type": WorkflowType.LANGGRAPH,
    "workflow_run_id": RUN_ID,
}


class DemoParameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    isin: str = Field(max_length=12)
    limit: int = 5


DEMO = AgentWorkflow("demo", "A demo", DemoParameters, steps.build)
INTAKE = Intake({"demo": DEMO}, "group")


def _decide(event: Any = None, *, value: bytes | None = None, traceparent: str | None = None) -> Decision:
    if event is None:
        return INTAKE.decide(ReceivedRecord("events", 2, 7, b"key", value, []))
    record = records.encode(event, traceparent)
    return INTAKE.decide(ReceivedRecord("events", 2, 7, record.key, record.value, record.headers))


def _trigger(parameters: dict[str, Any], **more: Any) -> WorkflowTriggered:
    return WorkflowTriggered(payload=TriggerPayload(parameters=parameters), **(COMMON | more))


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"[]", b"{}", b'{"event_type": "order.filled"}', b"[" * 100_000])
def test_what_is_no_event_is_skipped(value: bytes | None) -> None:
    assert _decide(value=value) == Skipped("undecodable")


def test_other_engines_are_skipped() -> None:
    assert _decide(_trigger({}, workflow_type=WorkflowType.AIRFLOW)) == Skipped("other-engine")


def test_what_happened_is_no_request() -> None:
    payload = StatusPayload(status=RunStatus.RUNNING)
    event = WorkflowStatusChanged(event_type="workflow.running", payload=payload, **COMMON)
    assert _decide(event) == Skipped("not-a-request")


def test_accepted_with_defaults_filled_in() -> None:
    event = _trigger({"isin": "DE0007164600"})
    decision = _decide(event, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert isinstance(decision, Accepted)
    assert decision.parameters == {"isin": "DE0007164600", "limit": 5}
    assert decision.trigger == event
    assert decision.traceparent is not None
    assert decision.run_id == RUN_ID


@pytest.mark.parametrize(
    "event",
    [CancelRequested(**COMMON), ResumeRequested(payload=ResumePayload(interrupt_id="x", value=True), **COMMON)],
)
def test_commands_are_not_taken_yet_and_not_lost(event: Any) -> None:
    decision = _decide(event)
    assert isinstance(decision, Rejected)
    assert decision.letter.reason == "unsupported-command"


def test_unknown_workflow() -> None:
    decision = _decide(_trigger({}, workflow_id="no_such"))
    assert isinstance(decision, Rejected)
    assert decision.letter.reason == "unknown-workflow"
    assert (decision.letter.topic, decision.letter.partition, decision.letter.offset) == ("events", 2, 7)
    assert decision.letter.consumer_group == "group"
    assert decision.run_id == RUN_ID


def test_invalid_parameters_point_into_the_event() -> None:
    decision = _decide(_trigger({"isin": "x" * 13, "limit": "many", "a/b": 1}))
    assert isinstance(decision, Rejected)
    assert decision.letter.reason == "invalid-parameters"
    assert [error.pointer for error in decision.letter.errors] == [
        "#/payload/parameters/isin",
        "#/payload/parameters/limit",
        "#/payload/parameters/a~1b",
    ]
    assert "xxxxx" not in decision.letter.model_dump_json()


def test_a_letter_of_many_errors_is_bounded() -> None:
    decision = _decide(_trigger({f"{'k' * 900}{number}": 1 for number in range(100)}))
    assert isinstance(decision, Rejected)
    assert len(decision.letter.errors) == MAX_ERRORS
    assert len(decision.letter.detail) <= MAX_DETAIL


def test_conflict() -> None:
    decision = _decide(_trigger({"isin": "x"}))
    assert isinstance(decision, Accepted)
    assert INTAKE.conflict(decision).letter.reason == "idempotency-conflict"
