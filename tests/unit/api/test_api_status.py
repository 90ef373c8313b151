from datetime import UTC, datetime
from typing import Any

import pytest

from support.engine_suite import run_status
from support.facade import Facade, problem_of
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import StatusPayload, TriggerPayload, WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType


async def status(facade: Facade, run_id: str) -> WorkflowStatus:
    response = await facade.client.get(f"/workflows/{run_id}/status")
    assert response.status_code == 200, response.text
    return WorkflowStatus.model_validate(response.json())


def triggered(run_id: str, workflow_type: WorkflowType = WorkflowType.AIRFLOW) -> WorkflowTriggered:
    return WorkflowTriggered(
        source="test",
        workflow_id="recon",
        workflow_type=workflow_type,
        workflow_run_id=run_id,
        payload=TriggerPayload(parameters={"isin": "X"}),
    )


def changed(run_id: str, word: RunStatus) -> WorkflowStatusChanged:
    return WorkflowStatusChanged.model_validate(
        {
            "event_type": f"workflow.{word}",
            "source": "airflow",
            "workflow_id": "recon",
            "workflow_type": "airflow",
            "workflow_run_id": run_id,
            "payload": StatusPayload(status=word, progress=0.25),
        }
    )


def letter(**changes: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "reason": "invalid-parameters",
        "detail": "isin is missing",
        "topic": "workflow-events",
        "partition": 0,
        "offset": 9,
        "consumer_group": "tradewind-airflow",
        "dead_lettered_at": datetime.now(UTC),
    }
    return DeadLetter(**(values | changes))


async def test_the_engines_word_is_the_answer(facade: Facade) -> None:
    facade.airflow.runs["r"] = run_status("r")
    assert await status(facade, "r") == run_status("r")


async def test_the_engine_is_told_the_workflow_that_the_topic_told(facade: Facade) -> None:
    facade.airflow.runs["r"] = run_status("r")
    await status(facade, "r")
    facade.index.triggered(triggered("r"), 1)
    await status(facade, "r")
    assert facade.airflow.hints == [None, "recon"]


async def test_a_run_that_no_topic_told_of_is_asked_of_both_engines(facade: Facade) -> None:
    facade.langgraph.runs["r"] = run_status("r")
    assert (await status(facade, "r")).status is RunStatus.RUNNING
    assert "r" in facade.airflow.asked
    assert "r" in facade.langgraph.asked


async def test_a_run_whose_engine_is_known_is_asked_of_that_one_alone(facade: Facade) -> None:
    facade.index.triggered(triggered("r"), 0)
    facade.airflow.runs["r"] = run_status("r")
    await status(facade, "r")
    assert "r" not in facade.langgraph.asked


async def test_one_engine_down_does_not_hide_a_run_of_the_other(facade: Facade) -> None:
    facade.airflow.down = True
    facade.langgraph.runs["r"] = run_status("r")
    assert (await status(facade, "r")).stale is False


async def test_what_no_engine_has_yet_is_triggered(facade: Facade) -> None:
    run_id = (await facade.trigger()).json()["workflow_run_id"]
    found = await status(facade, run_id)
    assert (found.status, found.progress, found.stale) == (RunStatus.TRIGGERED, 0, False)
    assert (found.workflow_id, found.workflow_type) == ("recon", WorkflowType.AIRFLOW)


async def test_what_was_dead_lettered_is_rejected_with_the_reason(facade: Facade) -> None:
    facade.index.triggered(triggered("r"), 9)
    facade.index.rejected("r", letter())
    found = await status(facade, "r")
    assert (found.status, found.progress, found.error) == (
        RunStatus.REJECTED,
        0,
        "invalid-parameters: isin is missing",
    )


async def test_a_dead_letter_never_hides_a_run_that_exists(facade: Facade) -> None:
    facade.index.triggered(triggered("r"), 9)
    facade.index.rejected("r", letter())
    facade.airflow.runs["r"] = run_status("r")
    assert (await status(facade, "r")).status is RunStatus.RUNNING


async def test_engine_down_is_the_last_known_status_marked_stale(facade: Facade) -> None:
    facade.index.triggered(triggered("r"), 0)
    facade.index.changed(changed("r", RunStatus.RUNNING))
    facade.airflow.down = True
    found = await status(facade, "r")
    assert (found.status, found.progress, found.stale) == (RunStatus.RUNNING, 0.25, True)


async def test_engine_down_before_any_status_is_triggered_marked_stale(facade: Facade) -> None:
    facade.index.triggered(triggered("r"), 0)
    facade.airflow.down = True
    found = await status(facade, "r")
    assert (found.status, found.stale) == (RunStatus.TRIGGERED, True)


async def test_a_run_that_its_engine_forgot_is_the_last_known_status_marked_stale(facade: Facade) -> None:
    facade.index.changed(changed("r", RunStatus.SUCCEEDED))
    found = await status(facade, "r")
    assert (found.status, found.stale) == (RunStatus.SUCCEEDED, True)


async def test_engines_down_and_nothing_known_is_a_503(facade: Facade) -> None:
    facade.langgraph.down = True
    response = await facade.client.get("/workflows/r/status")
    assert problem_of(response) == (503, "engine-unavailable")
    assert int(response.headers["retry-after"]) > 0


async def test_unknown_everywhere_is_a_404(facade: Facade) -> None:
    assert problem_of(await facade.client.get("/workflows/r/status")) == (404, "unknown-run")


async def test_before_the_topics_are_read_nobody_says_404(facade: Facade) -> None:
    facade.progress.caught_up = False
    assert problem_of(await facade.client.get("/workflows/r/status")) == (503, "engine-unavailable")


@pytest.mark.parametrize("run_id", ["with%20space", "x" * 251, "%C3%A9"])
async def test_what_can_be_no_run_id_is_a_422(facade: Facade, run_id: str) -> None:
    response = await facade.client.get(f"/workflows/{run_id}/status")
    assert problem_of(response) == (422, "invalid-request")
    assert response.json()["errors"][0]["pointer"] == "#/path/workflow_run_id"


async def test_airflows_own_run_ids_can_be_asked_for(facade: Facade) -> None:
    run_id = "scheduled__2026-01-01T00:00:00+00:00"
    facade.airflow.runs[run_id] = run_status(run_id)
    response = await facade.client.get(f"/workflows/{run_id}/status")
    assert response.json()["workflow_run_id"] == run_id


async def test_waiting_for_a_run_that_nobody_knows_ends_with_the_time(facade: Facade) -> None:
    assert await facade.app.state.services.statuses.ended("nobody", 0.05) is None
