from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind_airflow.ingestion import decisions
from tradewind_airflow.ingestion.decisions import Cancel, DeadLettered, Done, RetryLater, Skip, Trigger
from tradewind_contracts import records
from tradewind_contracts.batches import BatchItem, ItemResult, Outcome
from tradewind_contracts.commands import CancelRequest
from tradewind_contracts.events import (
    CancelMode,
    CancelRequested,
    Event,
    ResumeRequested,
    WorkflowStatusChanged,
    WorkflowTriggered,
)
from tradewind_contracts.problems import FieldError, ProblemType, problem
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_service.received_records import ReceivedRecord

COMMON: dict[str, Any] = {"source": "/desk", "workflow_id": "recon", "workflow_run_id": "run-1"}
AIRFLOW = {**COMMON, "workflow_type": WorkflowType.AIRFLOW}


def inbound(event: Event, traceparent: str | None = None) -> ReceivedRecord:
    record = records.encode(event, traceparent)
    return ReceivedRecord("workflow-events", 0, 7, record.key, record.value, record.headers)


def test_a_trigger_becomes_an_item_with_its_origin() -> None:
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    event = WorkflowTriggered(
        **AIRFLOW, event_id="e1", timestamp=moment, payload={"parameters": {"a": 1}, "priority": 3}
    )
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    work = decisions.read(inbound(event, trace))
    assert isinstance(work, Trigger)
    assert work.item.model_dump() == {
        "workflow_id": "recon",
        "workflow_type": WorkflowType.AIRFLOW,
        "parameters": {"a": 1},
        "priority": 3,
        "workflow_run_id": "run-1",
        "origin": {"event_id": "e1", "source": "/desk", "timestamp": moment, "traceparent": trace},
    }


def test_each_delivery_of_an_event_without_run_id_asks_for_the_same_run() -> None:
    value = (
        b'{"event_id": "e1", "event_type": "workflow.triggered", "timestamp": "2026-11-23T00:00:00Z", "source": "/x",'
        b' "workflow_id": "recon", "workflow_type": "airflow", "payload": {"parameters": {}}}'
    )
    first, second = (decisions.read(ReceivedRecord("t", 0, offset, None, value)) for offset in (1, 2))
    assert isinstance(first, Trigger)
    assert first == second


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (WorkflowTriggered(**COMMON, workflow_type=WorkflowType.LANGGRAPH), "other-engine"),
        (CancelRequested(**COMMON, workflow_type=WorkflowType.LANGGRAPH), "other-engine"),
        (
            WorkflowStatusChanged(**AIRFLOW, event_type="workflow.held", payload={"status": RunStatus.HELD}),
            "not-a-request",
        ),
    ],
)
def test_what_is_not_for_us_is_skipped(event: Event, why: str) -> None:
    assert decisions.read(inbound(event)) == Skip(why)


def test_a_cancel_is_passed_on_with_a_key_of_its_event() -> None:
    event = CancelRequested(**AIRFLOW, event_id="e2", payload={"mode": "force", "reason": "wrong file"})
    first, second = (decisions.read(inbound(event)) for _ in range(2))
    assert isinstance(first, Cancel)
    assert first == second
    assert (first.workflow_run_id, first.workflow_id) == ("run-1", "recon")
    assert first.request == CancelRequest(mode=CancelMode.FORCE, reason="wrong file")
    other = decisions.read(inbound(CancelRequested(**AIRFLOW, event_id="e3")))
    assert isinstance(other, Cancel)
    assert other.key != first.key


@pytest.mark.parametrize("run_id", [".", ".."])
def test_an_id_that_is_a_path_is_no_runs(run_id: str) -> None:
    work = decisions.read(inbound(CancelRequested(**{**AIRFLOW, "workflow_run_id": run_id})))
    assert isinstance(work, DeadLettered)
    assert (work.reason, work.item and work.item.workflow_run_id) == ("unknown-run", run_id)


def test_an_answer_to_a_waiting_run_is_kept_until_answers_are_taken() -> None:
    work = decisions.read(inbound(ResumeRequested(**AIRFLOW, payload={"interrupt_id": "i"})))
    assert isinstance(work, DeadLettered)
    assert work.reason == "unsupported-command"


def test_what_the_plugin_says_of_a_cancel_is_the_end_of_it() -> None:
    one = Cancel("run-1", "recon", "key", CancelRequest())
    assert decisions.judge_cancel(one, None) == Done("cancelled")
    assert decisions.judge_cancel(one, problem(ProblemType.STATE_CONFLICT, "ended")) == Done("too-late")
    unknown = problem(ProblemType.UNKNOWN_RUN, "no such run")
    assert decisions.judge_cancel(one, unknown) == DeadLettered("unknown-run", "no such run", item=one)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"\xff\xfe", "not-utf8"),
        (b"hello", "not-json"),
        (b"[]", "not-an-object"),
        (b'{"a": 1, "a": 2}', "duplicate-key"),
        (b"[" * 100_000, "too-deep"),
        (b'{"event_type": "workflow.triggered"}', "invalid-event"),
        (b'{"event_type": "trade.booked"}', "unknown-event-type"),
        (b" " * (records.MAX_BYTES + 1), "too-large"),
    ],
)
def test_what_is_no_event_is_dead_lettered_with_its_reason(value: bytes | None, reason: str) -> None:
    work = decisions.read(ReceivedRecord("t", 0, 0, b"key", value))
    assert isinstance(work, DeadLettered)
    assert work.reason == reason


def item() -> BatchItem:
    return BatchItem(workflow_id="recon", workflow_type=WorkflowType.AIRFLOW, workflow_run_id="run-1")


@pytest.mark.parametrize("outcome", [Outcome.CREATED, Outcome.EXISTS])
def test_a_run_that_is_there_is_done(outcome: Outcome) -> None:
    assert decisions.judge(item(), ItemResult(outcome=outcome, workflow_run_id="run-1")) == Done(outcome.value)


@pytest.mark.parametrize(
    ("outcome", "kind", "reason"),
    [
        (Outcome.CONFLICT, ProblemType.IDEMPOTENCY_CONFLICT, "idempotency-conflict"),
        (Outcome.REJECTED, ProblemType.UNKNOWN_WORKFLOW, "unknown-workflow"),
        (Outcome.REJECTED, ProblemType.INVALID_PARAMETERS, "invalid-parameters"),
        (Outcome.FORBIDDEN, ProblemType.FORBIDDEN, "forbidden"),
    ],
)
def test_what_can_never_run_is_dead_lettered_with_the_problems_name(
    outcome: Outcome, kind: ProblemType, reason: str
) -> None:
    fault = FieldError(pointer="#/parameters/a", detail="is required")
    result = ItemResult(outcome=outcome, problem=problem(kind, "because", errors=[fault]))
    assert decisions.judge(item(), result) == DeadLettered(reason, "because", (fault,), item())


def test_a_refusal_without_a_reason_is_a_refusal() -> None:
    assert decisions.judge(item(), ItemResult(outcome=Outcome.REJECTED)) == DeadLettered(
        "rejected", "the plugin gave no reason", item=item()
    )


def test_what_cannot_run_now_is_asked_for_again() -> None:
    why = problem(ProblemType.WORKFLOW_UNAVAILABLE, "import errors", retry_after=5)
    assert decisions.judge(item(), ItemResult(outcome=Outcome.UNAVAILABLE, problem=why)) == RetryLater(why)
