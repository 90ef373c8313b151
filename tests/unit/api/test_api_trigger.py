import asyncio
import json
import uuid
from typing import Any

import pytest

from support.facade import Facade, pointers_of, problem_of
from tradewind_api import statuses
from tradewind_contracts import records
from tradewind_contracts.events import WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowResponse, WorkflowStatus, WorkflowType
from tradewind_service.publisher import DeliveryError, NotQueuedError


async def test_a_trigger_is_answered_202_with_the_run_and_where_its_status_is(facade: Facade) -> None:
    response = await facade.trigger()
    assert response.status_code == 202
    accepted = WorkflowResponse.model_validate(response.json())
    assert (accepted.status, accepted.workflow_id, accepted.deduplicated) == (RunStatus.TRIGGERED, "recon", False)
    assert uuid.UUID(accepted.workflow_run_id).version == 7
    assert response.headers["location"] == f"/workflows/{accepted.workflow_run_id}/status"
    assert "idempotent-replayed" not in response.headers


async def test_the_event_is_the_briefs_json_with_cloudevents_headers(facade: Facade) -> None:
    run_id = (await facade.trigger()).json()["workflow_run_id"]
    [(_, record)] = facade.publisher.records
    assert record.key == run_id.encode()
    event = json.loads(record.value)
    assert uuid.UUID(event.pop("event_id"))
    assert event.pop("timestamp")
    assert event == {
        "event_type": "workflow.triggered",
        "source": "fastapi",
        "workflow_id": "recon",
        "workflow_type": "airflow",
        "workflow_run_id": run_id,
        "payload": {"parameters": {"isin": "US0378331005", "quantity": 100}, "priority": 3},
        "metadata": {"environment": "dev", "version": "1.0"},
    }
    decoded = records.decode(record.value, record.headers)
    assert isinstance(decoded.event, WorkflowTriggered)
    assert decoded.traceparent is None


async def test_nulls_in_parameters_reach_the_event(facade: Facade) -> None:
    await facade.trigger(parameters={"isin": "X", "note": None, "legs": [None, {"a": None}]})
    assert facade.events()[0]["payload"]["parameters"] == {"isin": "X", "note": None, "legs": [None, {"a": None}]}


async def test_the_shortest_body_is_enough(facade: Facade) -> None:
    body = {"workflow_id": "triage", "workflow_type": "langgraph", "parameters": {"isin": "X"}}
    response = await facade.client.post("/workflows/trigger", json=body)
    assert response.status_code == 202
    assert facade.events()[0]["payload"]["priority"] == 0


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"workflow_id": "no spaces"}, ["#/workflow_id"]),
        ({"workflow_id": ""}, ["#/workflow_id"]),
        ({"workflow_id": "x" * 251}, ["#/workflow_id"]),
        ({"workflow_type": "cron"}, ["#/workflow_type"]),
        ({"priority": 11}, ["#/priority"]),
        ({"priority": -1}, ["#/priority"]),
        ({"priority": "high"}, ["#/priority"]),
        ({"parameters": [1]}, ["#/parameters"]),
        ({"parameters": None, "priority": None}, ["#/parameters", "#/priority"]),
        ({"workflow": "recon"}, ["#/workflow"]),
    ],
)
async def test_a_field_that_does_not_fit_is_pointed_at(
    facade: Facade, changes: dict[str, Any], pointers: list[str]
) -> None:
    response = await facade.trigger(**changes)
    assert problem_of(response) == (422, "invalid-request")
    assert pointers_of(response) == pointers
    assert facade.publisher.records == []


async def test_a_body_that_is_no_object_is_pointed_at(facade: Facade) -> None:
    response = await facade.client.post("/workflows/trigger", json=[1])
    assert problem_of(response) == (422, "invalid-request")
    assert pointers_of(response) == ["#"]


async def test_parameters_are_checked_before_anything_is_accepted(facade: Facade) -> None:
    response = await facade.trigger(parameters={"isin": "much too long for one", "quantity": 1.5})
    assert problem_of(response) == (422, "invalid-parameters")
    assert sorted(pointers_of(response)) == ["#/parameters/isin", "#/parameters/quantity"]
    missing = await facade.trigger(parameters={})
    assert pointers_of(missing) == ["#/parameters"]
    assert "isin" in missing.json()["errors"][0]["detail"]
    assert facade.publisher.records == []


async def test_an_undelivered_event_is_a_503_that_says_how_to_go_on(facade: Facade) -> None:
    facade.publisher.error = DeliveryError("timed out")
    response = await facade.trigger({"idempotency-key": "k"})
    assert problem_of(response) == (503, "kafka-unavailable")
    assert int(response.headers["retry-after"]) == response.json()["retry_after"] > 0
    assert "same Idempotency-Key" in response.json()["detail"]
    unnamed = (await facade.trigger()).json()
    assert unnamed["instance"].startswith("/workflows/")
    assert "had no Idempotency-Key" in unnamed["detail"]


async def test_a_refused_event_is_a_503_that_says_nothing_will_come_of_it(facade: Facade) -> None:
    facade.publisher.error = NotQueuedError("too many")
    response = await facade.trigger()
    assert problem_of(response) == (503, "kafka-unavailable")
    assert "no run will be created" in response.json()["detail"]
    assert "instance" not in response.json()


async def test_after_a_503_the_same_call_is_taken(facade: Facade) -> None:
    facade.publisher.error = DeliveryError("timed out")
    failed = await facade.trigger({"idempotency-key": "k"})
    facade.publisher.error = None
    taken = await facade.trigger({"idempotency-key": "k"})
    assert (failed.status_code, taken.status_code) == (503, 202)
    assert taken.json()["deduplicated"] is False
    assert failed.json()["instance"] == taken.headers["location"]


async def test_an_event_that_grows_beyond_what_consumers_take_is_a_413(facade: Facade) -> None:
    # 1e9 leaves as 1000000000.0: 250 KB in, 800 KB out.
    text = json.dumps({"workflow_id": "triage", "workflow_type": "langgraph"})[:-1]
    body = text + ', "parameters": {"isin": "X", "numbers": [' + ",".join(["1e9"] * 62_000) + "]}}"
    headers = {"content-type": "application/json"}
    response = await facade.client.post("/workflows/trigger", content=body, headers=headers)
    assert problem_of(response) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", True),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", False),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", False),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", False),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", False),
        ("garbage", False),
    ],
)
async def test_a_well_formed_traceparent_goes_with_the_event(facade: Facade, sent: str, kept: bool) -> None:
    await facade.trigger({"traceparent": sent})
    [(_, record)] = facade.publisher.records
    assert records.decode(record.value, record.headers).traceparent == (sent if kept else None)


def succeeded(run_id: str) -> WorkflowStatus:
    return WorkflowStatus(workflow_run_id=run_id, status=RunStatus.SUCCEEDED, progress=1, result={"breaks": 2})


async def test_prefer_wait_answers_with_the_result_of_a_run_that_ends_in_time(
    facade: Facade, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish_at_the_third_question(run_id: str) -> None:
        if facade.airflow.asked.count(run_id) == 3:
            facade.airflow.runs[run_id] = succeeded(run_id)

    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (0.05, 0.1))
    facade.airflow.on_status = finish_at_the_third_question
    response = await facade.trigger({"prefer": "respond-async, wait=5"})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=5"
    assert WorkflowStatus.model_validate(response.json()).result == {"breaks": 2}
    assert response.headers["location"].endswith("/status")


async def test_prefer_wait_falls_back_to_the_202(facade: Facade) -> None:
    facade.airflow.down = True
    response = await facade.trigger({"prefer": "wait=1"})
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert response.json()["status"] == "triggered"


async def test_too_many_waiting_calls_are_answered_at_once(facade: Facade) -> None:
    waiting = facade.app.state.services.waiting
    while not waiting.locked():
        await waiting.acquire()
    response = await asyncio.wait_for(facade.trigger({"prefer": "wait=60"}), 5)
    assert response.status_code == 202
    assert "preference-applied" not in response.headers


async def test_a_langgraph_workflow_is_not_an_airflow_one(facade: Facade) -> None:
    response = await facade.trigger(workflow_id="triage", workflow_type=WorkflowType.AIRFLOW)
    assert problem_of(response) == (404, "unknown-workflow")
