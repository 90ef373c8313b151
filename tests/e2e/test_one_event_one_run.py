"""The whole path on the whole stack: what goes in by either door comes out as one run, or as a clear no."""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.whole_stack import EXAMPLE, WholeStack
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowType
from tradewind_local.demo.client import DemoClient
from tradewind_local.demo.runs import demo_runs

pytestmark = pytest.mark.timeout(240)


def test_both_workflows_give_their_results(stack: WholeStack) -> None:
    with DemoClient(stack.environment) as client:
        sent = [client.send(run) for run in demo_runs(Path(stack.environment["TRADEWIND_DATA_DIR"]))]
    ended = [stack.ended(run.run_id) for run in sent]
    by_rest, by_event, blotters = [dict(status.result or {}) for status in ended]
    assert by_rest["owner"] == "us"
    assert by_rest["penalty_estimate"]["amount"] == "3093.75"
    assert by_event["playbook"]["id"] == "release_instruction"
    assert blotters["summary"]["breaks"] == 130
    assert blotters["summary"]["toleranced"] == 48
    assert [status.progress for status in ended] == [1, 1, 1]
    assert [stack.runs(run.run_id) for run in sent] == [1, 1, 1]


def test_the_list_holds_the_workflows_of_both_engines(stack: WholeStack) -> None:
    found = {row["workflow_id"]: row for row in stack.api.get("/workflows").raise_for_status().json()}
    assert {"settlement_fail_triage", "recon_break_resolution", "example_workflow"} <= set(found)
    assert "workflow_events" not in found
    assert found["recon_break_resolution"]["parameters_schema"]["required"] == ["our_blotter", "their_blotter"]
    assert found["settlement_fail_triage"]["workflow_type"] == "langgraph"


@pytest.mark.parametrize(
    "body",
    [
        {**EXAMPLE, "parameters": {"message": "fifty"}},
        {
            "workflow_id": "settlement_fail_triage",
            "workflow_type": "langgraph",
            "parameters": {"message": "unreadable"},
        },
    ],
    ids=["airflow", "langgraph"],
)
def test_fifty_calls_with_one_key_are_one_run(stack: WholeStack, body: dict[str, object]) -> None:
    key = str(uuid.uuid4())
    with ThreadPoolExecutor(50) as callers:
        answers = list(callers.map(lambda _: stack.trigger(body, key), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    [run_id] = {answer.json()["workflow_run_id"] for answer in answers}
    assert sum(not answer.json()["deduplicated"] for answer in answers) == 1
    stack.ended(run_id)
    assert stack.runs(run_id) == 1


def test_one_event_delivered_three_times_is_one_run(stack: WholeStack) -> None:
    event = WorkflowTriggered(
        source="e2e",
        workflow_id="example_workflow",
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_ids.new(),
        payload=TriggerPayload(parameters={"message": "thrice"}),
    )
    for _ in range(3):
        stack.produce(records.encode(event).value, event.key)
    assert stack.ended(event.workflow_run_id).status is RunStatus.SUCCEEDED
    assert stack.runs(event.workflow_run_id) == 1


def test_the_door_says_no_before_the_202(stack: WholeStack) -> None:
    unknown = stack.trigger({"workflow_id": "settlement_fail_triag", "workflow_type": "langgraph"})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:tradewind:problem:unknown-workflow")
    wrong = stack.trigger({**EXAMPLE, "parameters": {"message": 7}})
    assert (wrong.status_code, wrong.json()["type"]) == (422, "urn:tradewind:problem:invalid-parameters")
    assert [error["pointer"] for error in wrong.json()["errors"]] == ["#/parameters/message"]
    assert httpx.post(f"{stack.environment['TRADEWIND_API_URL']}/workflows/trigger", json={}).status_code == 401


def test_what_is_no_event_becomes_a_dead_letter(stack: WholeStack) -> None:
    value = b'{"event_type": "workflow.triggered", "nonsense": "%s"}' % uuid.uuid4().hex.encode()
    stack.produce(value)
    letter = stack.dead_letter(value)
    assert letter.reason == "invalid-event"
    assert "#/workflow_id" in letter.detail
    assert letter.consumer_group == "tradewind-airflow"


@pytest.mark.parametrize(
    ("workflow", "parameters", "reason"),
    [
        ("no_such_dag", {}, "unknown-workflow"),
        ("example_workflow", {"message": 7}, "invalid-parameters"),
    ],
)
def test_an_event_that_cannot_run_reads_rejected(
    stack: WholeStack, workflow: str, parameters: dict[str, object], reason: str
) -> None:
    event = WorkflowTriggered(
        source="e2e",
        workflow_id=workflow,
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_ids.new(),
        payload=TriggerPayload(parameters=parameters),
    )
    value = records.encode(event).value
    stack.produce(value, event.key)
    assert stack.dead_letter(value).reason == reason
    status = stack.wait(event.workflow_run_id, lambda found: found.status is RunStatus.REJECTED, 30)
    assert reason in str(status.error)
    assert stack.runs(event.workflow_run_id) == 0


def test_a_run_of_a_paused_dag_is_held_and_then_runs(stack: WholeStack) -> None:
    stack.pause("example_workflow", paused=True)
    try:
        run_id = stack.trigger({**EXAMPLE, "parameters": {"message": "held"}}).json()["workflow_run_id"]
        stack.wait(run_id, lambda found: found.status is RunStatus.HELD, 30)
    finally:
        stack.pause("example_workflow", paused=False)
    assert stack.ended(run_id).status is RunStatus.SUCCEEDED


def test_no_secret_is_in_a_log(stack: WholeStack) -> None:
    secrets = [value for name, value in stack.environment.items() if "PASSWORD" in name or name.endswith("TOKEN")]
    secrets += json.loads(stack.environment["API_TOKENS"]).values()
    assert len(secrets) >= 5
    logs = [path for path in stack.stack.settings.home.rglob("*.log*") if path.is_file()]
    assert len(logs) >= 8
    found = {
        (path.name, secret[:4]) for path in logs for secret in secrets if secret in path.read_text(errors="replace")
    }
    assert found == set()
