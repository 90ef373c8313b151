"""The list of workflows and the status of runs, on a real Airflow and Postgres."""

from typing import Any

import httpx

from support.airflow_fixtures import parse_dags
from support.airflow_server import AirflowServer
from support.plugin_suite import FITTING
from tradewind_contracts import run_ids


def listed(client: httpx.Client) -> dict[str, dict[str, Any]]:
    answer = client.get("/workflows")
    assert answer.status_code == 200, answer.text
    return {workflow["workflow_id"]: workflow for workflow in answer.json()}


def test_the_list_shows_what_can_be_triggered(viewer: httpx.Client) -> None:
    found = listed(viewer)
    assert {"test_typed", "test_paused", "test_free"} <= found.keys()
    assert not {"test_internal", "test_stale", "test_unserialized", "test_scheduled_only"} & found.keys()


def test_a_workflow_says_what_it_takes(viewer: httpx.Client) -> None:
    typed = listed(viewer)["test_typed"]
    assert typed["workflow_type"] == "airflow"
    assert typed["description"] == "The typed one"
    schema = typed["parameters_schema"]
    assert schema["type"] == "object"
    assert schema["required"] == ["isin"]
    assert schema["properties"]["isin"]["description"] == "ISO 6166"
    assert schema["properties"]["quantity"] == {"type": "integer", "minimum": 1, "default": 100}


def made(client: httpx.Client, workflow_id: str = "test_free", run_id: str | None = None) -> str:
    item = {
        "workflow_id": workflow_id,
        "workflow_type": "airflow",
        "parameters": FITTING,
        "workflow_run_id": run_id or run_ids.new(),
    }
    (result,) = client.post("/workflows/trigger/batch", json={"items": [item]}).json()["items"]
    assert result["outcome"] == "created", result
    return str(result["workflow_run_id"])


def status(client: httpx.Client, run_id: str, **query: str) -> dict[str, Any]:
    answer = client.get(f"/workflows/{run_id}/status", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def ended(server: AirflowServer, run_id: str, state: str, tasks: dict[str, str]) -> None:
    """Put a run where the scheduler and a worker would have put it: these tests run neither."""
    for task, task_state in tasks.items():
        server.rows(
            "UPDATE task_instance SET state = %s, try_number = 2 WHERE run_id = %s AND task_id = %s",
            task_state,
            run_id,
            task,
        )
    server.rows("UPDATE dag_run SET state = %s, start_date = now(), end_date = now() WHERE run_id = %s", state, run_id)


def returned(server: AirflowServer, run_id: str, task: str, value: str) -> None:
    """Store a task's return value as a worker does."""
    server.rows(
        "INSERT INTO xcom (dag_run_id, task_id, map_index, key, dag_id, run_id, value, timestamp) "
        "SELECT id, %s, -1, 'return_value', dag_id, run_id, %s::jsonb, now() FROM dag_run WHERE run_id = %s",
        task,
        value,
        run_id,
    )


FIVE = ["work", "work__1", "work__2", "work__3", "work__4"]


def test_a_new_run_is_queued(ingest: httpx.Client, viewer: httpx.Client) -> None:
    run_id = made(ingest)
    assert status(viewer, run_id) == {
        "workflow_run_id": run_id,
        "status": "queued",
        "progress": 0.0,
        "result": None,
        "error": None,
        "started_at": None,
        "completed_at": None,
        "workflow_id": "test_free",
        "workflow_type": "airflow",
        "stale": False,
    }


def test_progress_is_the_finished_share_of_the_tasks(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    ended(airflow_server, run_id, "running", {"work": "success", "work__1": "skipped", "work__2": "running"})
    found = status(ingest, run_id)
    assert (found["status"], found["progress"]) == ("running", 0.4)


def test_the_only_last_task_gives_the_result(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    returned(airflow_server, run_id, "work", '"an intermediate one"')
    returned(airflow_server, run_id, "work__4", '{"breaks": [1, 2]}')
    ended(airflow_server, run_id, "success", dict.fromkeys(FIVE, "success"))
    found = status(ingest, run_id)
    assert (found["status"], found["progress"]) == ("succeeded", 1.0)
    assert found["result"] == {"breaks": [1, 2]}
    assert found["started_at"]
    assert found["completed_at"]


def test_the_result_that_the_author_marked_comes_first(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    returned(airflow_server, run_id, "work__1", '"marked"')
    returned(airflow_server, run_id, "work__4", '"last"')
    airflow_server.rows("UPDATE xcom SET dag_result = true WHERE run_id = %s AND task_id = 'work__1'", run_id)
    ended(airflow_server, run_id, "success", dict.fromkeys(FIVE, "success"))
    assert status(ingest, run_id)["result"] == "marked"


def test_a_failed_run_names_its_failed_tasks(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    ended(airflow_server, run_id, "failed", {"work": "success", "work__1": "failed", "work__2": "upstream_failed"})
    found = status(ingest, run_id)
    assert found["status"] == "failed"
    assert found["error"] == "failed tasks: work__1 (try 2)"
    assert found["result"] is None


def test_a_run_that_several_dags_have_needs_its_workflow(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    run_id = made(ingest)
    # As Airflow's own ids do: one date, a run of each scheduled DAG.
    airflow_server.rows(
        "INSERT INTO dag_run (dag_id, run_id, run_after, run_type, state, clear_number, span_status) "
        "SELECT 'test_changing', run_id, run_after, run_type, state, 0, span_status FROM dag_run WHERE run_id = %s",
        run_id,
    )
    answer = ingest.get(f"/workflows/{run_id}/status")
    assert answer.status_code == 409
    assert "test_changing, test_free" in answer.json()["detail"]
    assert status(ingest, run_id, workflow_id="test_free")["workflow_id"] == "test_free"


def test_a_new_version_of_a_dag_is_seen_at_once(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    assert "maximum" not in str(listed(ingest)["test_typed"])
    first = made(ingest, "test_typed")
    file = airflow_server.dags / "plugin_test_dags.py"
    file.write_text(file.read_text().replace('"integer", minimum=1)', '"integer", minimum=1, maximum=500)'))
    parse_dags(airflow_server)
    assert listed(ingest)["test_typed"]["parameters_schema"]["properties"]["quantity"]["maximum"] == 500
    too_many = {"workflow_id": "test_typed", "workflow_type": "airflow", "parameters": {**FITTING, "quantity": 501}}
    answer = ingest.post("/workflows/trigger", json=too_many)
    assert answer.status_code == 422, answer.text
    second = made(ingest, "test_typed")
    versions = [airflow_server.runs(run_id)[0]["created_dag_version_id"] for run_id in (first, second)]
    assert versions[0] != versions[1]
