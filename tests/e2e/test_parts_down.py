"""A part that is down or dies: the caller gets a clear answer, and what was accepted runs when the part is back."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from support.whole_stack import EXAMPLE, WholeStack
from tradewind_contracts.workflows import RunStatus

pytestmark = pytest.mark.timeout(240)

BODY = {**EXAMPLE, "parameters": {"message": "down"}}


@contextmanager
def _stopped(stack: WholeStack, part: str) -> Iterator[None]:
    stack.stack.stop_part(part)
    try:
        yield
    finally:
        stack.stack.start_part(part)
        stack.stack.wait_ready(part, 90)


def test_kafka_down_is_a_503_and_nothing_is_half_accepted(stack: WholeStack) -> None:
    with _stopped(stack, "kafka"):
        answer = stack.trigger(BODY, "kafka-down")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:tradewind:problem:kafka-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    stack.stack.wait_ready("api", 60)
    again = stack.trigger(BODY, "kafka-down")
    assert again.status_code == 202
    run_id = again.json()["workflow_run_id"]
    assert stack.ended(run_id).status is RunStatus.SUCCEEDED
    assert stack.runs(run_id) == 1


def test_with_airflow_down_a_trigger_is_taken_and_waits(stack: WholeStack) -> None:
    with _stopped(stack, "airflow-api-server"):
        answer = stack.trigger(BODY)
        assert answer.status_code == 202
        run_id = answer.json()["workflow_run_id"]
        status = stack.status(run_id)
        assert status is not None
        assert (status.status, status.stale) == (RunStatus.TRIGGERED, True)
    assert stack.ended(run_id).status is RunStatus.SUCCEEDED


def test_with_postgres_down_nothing_is_lost(stack: WholeStack) -> None:
    triage = {"workflow_id": "settlement_fail_triage", "workflow_type": "langgraph", "parameters": {"message": "x"}}
    with _stopped(stack, "postgres"):
        answers = [stack.trigger(BODY), stack.trigger(triage)]
        assert [answer.status_code for answer in answers] == [202, 202]
    ended = [stack.ended(answer.json()["workflow_run_id"]) for answer in answers]
    # The second message is unreadable: its run ends, and says why.
    assert [status.status for status in ended] == [RunStatus.SUCCEEDED, RunStatus.FAILED]


def test_a_killed_triggerer_goes_on_by_itself(stack: WholeStack) -> None:
    before = stack.stack.pid("airflow-triggerer")
    stack.stack.kill("airflow-triggerer")
    run_id = stack.trigger(BODY).json()["workflow_run_id"]
    assert stack.ended(run_id).status is RunStatus.SUCCEEDED
    assert stack.stack.pid("airflow-triggerer") != before
