"""Triggers at the plugin's doors, single and in batches, on a real Airflow and Postgres."""

import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from airflow.sdk import Connection

from support.airflow_server import AirflowServer
from support.plugin_suite import FITTING, PluginSuite
from tradewind_airflow.ingestion.plugin_client import PluginClient
from tradewind_contracts import run_ids


class TestRealPlugin(PluginSuite):
    @pytest.fixture
    def plugin(self, airflow_server: AirflowServer) -> Iterator[PluginClient]:
        client = PluginClient(Connection(conn_id="tradewind_airflow", **json.loads(airflow_server.connection())))
        yield client
        client.close()


def body(workflow_id: str = "test_typed", **more: Any) -> dict[str, Any]:
    return {"workflow_id": workflow_id, "workflow_type": "airflow", "parameters": FITTING, **more}


def batch(client: httpx.Client, *items: Any) -> list[dict[str, Any]]:
    answer = client.post("/workflows/trigger/batch", json={"items": items})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["items"]
    assert len(results) == len(items)
    return results


def outcomes(results: list[dict[str, Any]]) -> list[str]:
    return [result["outcome"] for result in results]


def test_a_trigger_is_a_run(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    answer = ingest.post("/workflows/trigger", json=body(priority=4))
    assert answer.status_code == 202, answer.text
    given = answer.json()
    assert given["status"] == "queued"
    assert given["deduplicated"] is False
    assert answer.headers["location"] == f"/tradewind/workflows/{given['workflow_run_id']}/status"
    (run,) = airflow_server.runs(given["workflow_run_id"])
    assert run["dag_id"] == "test_typed"
    assert run["conf"] == {**FITTING, "_tradewind": {"priority": 4}}
    assert run["run_type"] == "manual"
    assert run["triggered_by"] == "REST_API"
    assert run["triggering_user_name"] == "ingest"
    assert run["logical_date"] is None
    assert run["created_dag_version_id"] is not None
    tasks = airflow_server.rows("SELECT * FROM task_instance WHERE run_id = %s", given["workflow_run_id"])
    assert [task["task_id"] for task in tasks] == ["work"]


def test_the_audit_log_names_the_run_and_not_its_payload(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    origin = {"event_id": "e-17", "source": "/desk", "timestamp": "2026-11-23T00:00:00Z"}
    (result,) = batch(ingest, body(origin=origin))
    rows = airflow_server.rows("SELECT * FROM log WHERE run_id = %s", result["workflow_run_id"])
    assert [(row["event"], row["dag_id"], row["owner"]) for row in rows] == [
        ("tradewind_trigger", "test_typed", "ingest")
    ]
    assert FITTING["isin"] not in str(rows)
    assert "e-17" in rows[0]["extra"]


def test_a_run_carries_its_events_identity(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    origin = {"event_id": "e1", "source": "/desk", "timestamp": "2026-11-23T00:00:00Z", "traceparent": trace}
    (result,) = batch(ingest, body(origin=origin))
    (run,) = airflow_server.runs(result["workflow_run_id"])
    assert run["conf"]["_tradewind"] == {**origin, "priority": 0}


def test_the_same_key_gives_the_same_run(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    headers = {"idempotency-key": run_ids.new()}
    first = ingest.post("/workflows/trigger", json=body(), headers=headers)
    again = ingest.post("/workflows/trigger", json=body(), headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() | {"deduplicated": False} == first.json() | {"created_at": again.json()["created_at"]}
    assert again.json()["deduplicated"] is True
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(airflow_server.runs(first.json()["workflow_run_id"])) == 1


def test_the_same_key_with_another_body_is_refused(ingest: httpx.Client) -> None:
    headers = {"idempotency-key": run_ids.new()}
    ingest.post("/workflows/trigger", json=body(), headers=headers)
    answer = ingest.post("/workflows/trigger", json=body(parameters={**FITTING, "quantity": 7}), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("idempotency-conflict")


def test_an_invalid_key_is_refused(ingest: httpx.Client) -> None:
    answer = ingest.post("/workflows/trigger", json=body(), headers={"idempotency-key": "a b"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/header/Idempotency-Key"


def test_the_same_key_fifty_times_at_once_is_one_run(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    headers = {"idempotency-key": run_ids.new()}

    def send(_: int) -> httpx.Response:
        return ingest.post("/workflows/trigger", json=body(), headers=headers)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(send, range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert Counter(answer.json()["deduplicated"] for answer in answers) == {False: 1, True: 49}
    assert len({answer.json()["workflow_run_id"] for answer in answers}) == 1
    run_id = answers[0].json()["workflow_run_id"]
    assert len(airflow_server.runs(run_id)) == 1
    assert len(airflow_server.rows("SELECT id FROM task_instance WHERE run_id = %s", run_id)) == 1


def test_batches_that_share_ids_in_other_orders_make_each_run_once(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    ids = [run_ids.new() for _ in range(30)]

    def send(number: int) -> list[str]:
        ordered = ids if number % 2 else ids[::-1]
        return outcomes(batch(ingest, *(body(workflow_run_id=run_id) for run_id in ordered)))

    with ThreadPoolExecutor(4) as pool:
        found = Counter(outcome for given in pool.map(send, range(4)) for outcome in given)
    assert found == {"created": 30, "exists": 90}
    rows = airflow_server.rows("SELECT run_id FROM dag_run WHERE run_id = ANY(%s)", ids)
    assert len(rows) == len(ids)


def test_one_bad_item_costs_no_other_its_run(ingest: httpx.Client) -> None:
    results = batch(
        ingest,
        body(),
        "not even an object",
        body(workflow_id="no such/name"),
        body(workflow_run_id="scheduled__2026-11-23"),
        body(workflow_type="langgraph"),
        body("nobody_knows_it"),
        body("test_internal"),
        body("test_scheduled_only", parameters={}),
        body(parameters={"isin": "wrong", "quantity": 0, "legs": [{}]}),
        body(parameters={**FITTING, "_tradewind": {"priority": 10}}),
        body("test_stale"),
        body("test_broken"),
        body("test_unserialized"),
        body("test_paused"),
    )
    assert outcomes(results) == ["created", *["rejected"] * 9, *["unavailable"] * 3, "created"]
    kinds = [result["problem"]["type"].rpartition(":")[2] for result in results if result["problem"]]
    assert kinds == [
        *["invalid-request"] * 3,
        *["unknown-workflow"] * 4,
        *["invalid-parameters"] * 2,
        *["workflow-unavailable"] * 3,
    ]
    pointers = {error["pointer"] for error in results[8]["problem"]["errors"]}
    assert pointers == {"#/parameters/isin", "#/parameters/quantity", "#/parameters/legs/0"}
    assert results[9]["problem"]["errors"][0]["pointer"] == "#/parameters/_tradewind"
    assert results[3]["problem"]["errors"][0]["pointer"] == "#/workflow_run_id"
    assert results[-1]["status"] == "held"


@pytest.mark.parametrize(
    ("request_body", "status", "slug"),
    [
        (body("nobody_knows_it"), 404, "unknown-workflow"),
        (body("test_internal"), 404, "unknown-workflow"),
        (body(workflow_type="langgraph"), 404, "unknown-workflow"),
        (body("test_stale"), 503, "workflow-unavailable"),
        (body(parameters={}), 422, "invalid-parameters"),
        (body(unknown_field=1), 422, "invalid-request"),
        (body(priority=11), 422, "invalid-request"),
    ],
)
def test_a_trigger_that_cannot_be_has_a_problem(
    ingest: httpx.Client, request_body: dict[str, Any], status: int, slug: str
) -> None:
    answer = ingest.post("/workflows/trigger", json=request_body)
    assert answer.status_code == status, answer.text
    assert answer.json()["type"] == f"urn:tradewind:problem:{slug}"
    assert ("retry-after" in answer.headers) == (status == 503)


def test_the_run_of_a_paused_dag_is_held(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    answer = ingest.post("/workflows/trigger", json=body("test_paused"))
    assert answer.json()["status"] == "held"
    run_id = answer.json()["workflow_run_id"]
    assert ingest.get(f"/workflows/{run_id}/status").json()["status"] == "held"
    assert airflow_server.runs(run_id)[0]["state"] == "queued"


def test_who_may_only_read_triggers_nothing(viewer: httpx.Client) -> None:
    assert viewer.post("/workflows/trigger", json=body()).status_code == 403
    results = batch(viewer, body(), body("nobody_knows_it"))
    assert outcomes(results) == ["forbidden", "forbidden"]


def test_an_id_belongs_to_one_workflow(ingest: httpx.Client) -> None:
    run_id = run_ids.new()
    results = batch(ingest, body(workflow_run_id=run_id), body("test_changing", workflow_run_id=run_id))
    assert outcomes(results) == ["created", "conflict"]
    assert outcomes(batch(ingest, body("test_changing", workflow_run_id=run_id))) == ["conflict"]


def test_an_existing_run_is_reported_even_if_its_dag_changed(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    item = body("test_changing", workflow_run_id=run_ids.new())
    assert outcomes(batch(ingest, item)) == ["created"]
    airflow_server.rows("UPDATE dag SET has_import_errors = true WHERE dag_id = 'test_changing'")
    try:
        assert outcomes(batch(ingest, item)) == ["exists"]
    finally:
        airflow_server.rows("UPDATE dag SET has_import_errors = false WHERE dag_id = 'test_changing'")


def test_task_rows_that_airflow_cannot_write_cost_no_other_item_its_run(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    """Airflow swallows that error and rolls the whole transaction back (`DagRun._create_task_instances`)."""
    ids = [run_ids.new() for _ in range(5)]
    airflow_server.rows(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE unique_violation USING MESSAGE = 'spoilt on purpose'; END $$"
    )
    airflow_server.rows(
        f"CREATE TRIGGER spoil BEFORE INSERT ON task_instance FOR EACH ROW WHEN (NEW.run_id = '{ids[2]}') "
        "EXECUTE FUNCTION spoil()"
    )
    try:
        results = batch(ingest, *(body(workflow_run_id=run_id) for run_id in ids))
    finally:
        airflow_server.rows("DROP TRIGGER spoil ON task_instance")
        airflow_server.rows("DROP FUNCTION spoil()")
    assert outcomes(results) == ["created", "created", "unavailable", "created", "created"]
    assert [len(airflow_server.runs(run_id)) for run_id in ids] == [1, 1, 0, 1, 1]
    assert outcomes(batch(ingest, *(body(workflow_run_id=run_id) for run_id in ids))) == [
        *["exists"] * 2,
        "created",
        *["exists"] * 2,
    ]


def test_a_batch_is_made_by_priority_and_else_as_given(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    wanted = [("test_free", 0), ("test_mapped", 3), ("test_free", 10), ("test_mapped", 0), ("test_free", 3)]
    items = [
        body(workflow_id, parameters={}, priority=priority, workflow_run_id=run_ids.new())
        for workflow_id, priority in wanted
    ]
    assert outcomes(batch(ingest, *items)) == ["created"] * 5
    ids = [item["workflow_run_id"] for item in items]
    made = airflow_server.rows("SELECT id, run_id, run_after FROM dag_run WHERE run_id = ANY(%s)", ids)
    for column in ("id", "run_after"):
        assert [ids.index(row["run_id"]) for row in sorted(made, key=lambda row: row[column])] == [2, 1, 4, 0, 3]


def test_five_hundred_in_one_call(ingest: httpx.Client) -> None:
    items = [body("test_paused", workflow_run_id=run_ids.new()) for _ in range(500)]
    assert Counter(outcomes(batch(ingest, *items))) == {"created": 500}
    assert Counter(outcomes(batch(ingest, *items))) == {"exists": 500}
    answer = ingest.post("/workflows/trigger/batch", json={"items": [*items, body()]})
    assert answer.status_code == 422
