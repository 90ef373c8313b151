"""A little of everything that users and strangers send, so that whatever can be measured is measured."""

from collections.abc import Iterator, Mapping
from itertools import count

import httpx

from support.whole_stack import EXAMPLE, WholeStack
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import CancelPayload, CancelRequested, TriggerPayload, WorkflowTriggered
from tradewind_contracts.workflows import WorkflowType

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
MESSAGE = {"message": "no message of a custodian", "as_of": "2026-11-20T14:30:00+01:00"}
MISSING_BLOTTERS = {"our_blotter": "missing/ours.csv", "their_blotter": "missing/theirs.csv"}


def rounds(stack: WholeStack) -> Iterator[int]:
    """Send one round of everything each time that the next is asked for."""
    for number in count():
        _airflow(stack, number)
        _agents(stack)
        _strangers(stack)
        yield number


def _airflow(stack: WholeStack, number: int) -> None:
    example = EXAMPLE | {"parameters": {"message": "hello"}}
    for _ in range(2):  # the second is a repeat
        answer = _trigger(stack, example, f"round-{number}")
    if number % 2 and answer.status_code == httpx.codes.ACCEPTED:
        _cancel(stack, answer.json()["workflow_run_id"])
    failing = {"workflow_id": "recon_break_resolution", "workflow_type": "airflow", "parameters": MISSING_BLOTTERS}
    _trigger(stack, failing)
    _trigger(stack, EXAMPLE | {"workflow_id": "no_such_workflow"})


def _cancel(stack: WholeStack, run_id: str) -> None:
    """Ask for the run's end; it may have ended already, which is an outcome too."""
    event = CancelRequested(
        source="a stranger",
        workflow_id=EXAMPLE["workflow_id"],
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_id,
        payload=CancelPayload(),
    )
    record = records.encode(event)
    stack.produce(record.value, record.key)


def _agents(stack: WholeStack) -> None:
    triage = {"workflow_id": "settlement_fail_triage", "workflow_type": "langgraph", "parameters": MESSAGE}
    answer = _trigger(stack, triage)
    if answer.status_code == httpx.codes.ACCEPTED:
        stack.api.get(answer.headers["location"])


def _strangers(stack: WholeStack) -> None:
    """Records that nobody checked at a door: one that is no event, and one for a graph that there is not."""
    stack.produce(b"not an event")
    event = WorkflowTriggered(
        source="a stranger",
        workflow_id="no_such_graph",
        workflow_type=WorkflowType.LANGGRAPH,
        workflow_run_id=run_ids.new(),
        payload=TriggerPayload(),
    )
    stack.produce(records.encode(event).value)


def _trigger(stack: WholeStack, body: Mapping[str, object], key: str | None = None) -> httpx.Response:
    headers = {"traceparent": TRACEPARENT} | ({"Idempotency-Key": f'"{key}"'} if key else {})
    return stack.api.post("/workflows/trigger", json=body, headers=headers)
