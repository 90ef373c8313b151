"""The ingestion's thread on real Kafka, against a served plugin: what becomes of each kind of record."""

from collections import Counter
from typing import Any

import pytest

from support.airflow_server import AirflowServer
from support.ingestion import PATIENCE, Ingestion, until
from support.plugin_suite import FITTING
from support.servers import new_topic_set
from tradewind_contracts import run_ids
from tradewind_contracts.events import (
    CancelMode,
    CancelPayload,
    CancelRequested,
    ResumePayload,
    ResumeRequested,
    TriggerPayload,
    WorkflowTriggered,
)
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.kafka import KafkaBroker


@pytest.fixture
def ingestion(kafka_broker: KafkaBroker, airflow_server: AirflowServer) -> Ingestion:
    return Ingestion(kafka_broker.bootstrap_servers, airflow_server, new_topic_set(kafka_broker))


def event(workflow_id: str = "test_typed", **more: Any) -> WorkflowTriggered:
    parameters = more.pop("parameters", FITTING)
    return WorkflowTriggered(
        source="/test",
        workflow_id=workflow_id,
        workflow_type=more.pop("workflow_type", WorkflowType.AIRFLOW),
        workflow_run_id=more.pop("workflow_run_id", run_ids.new()),
        payload=TriggerPayload(parameters=parameters),
        **more,
    )


def test_each_event_becomes_its_run(ingestion: Ingestion) -> None:
    events = [event() for _ in range(20)]
    ingestion.send(*events[:10])
    with ingestion.running():
        ingestion.send(*events[10:])
        until(lambda: ingestion.run_count(*(one.workflow_run_id for one in events)) == 20)
        until(lambda: ingestion.lag() == 0)
    (run,) = ingestion.server.runs(events[0].workflow_run_id)
    assert run["conf"]["isin"] == FITTING["isin"]
    assert run["conf"]["_tradewind"]["event_id"] == events[0].event_id
    assert run["triggering_user_name"] == "ingest"
    assert ingestion.letters() == []


def test_an_event_that_comes_again_is_the_same_run(ingestion: Ingestion) -> None:
    one, other = event(), event()
    with ingestion.running():
        ingestion.send(one, one, one)
        until(lambda: ingestion.run_count(one.workflow_run_id) == 1)
        ingestion.send(one, other)
        until(lambda: ingestion.run_count(other.workflow_run_id) == 1)
        until(lambda: ingestion.lag() == 0)
    assert ingestion.run_count(one.workflow_run_id) == 1
    assert ingestion.letters() == []


def test_what_can_never_run_is_dead_lettered_and_holds_nothing_back(ingestion: Ingestion) -> None:
    good = event()
    taken = run_ids.new()
    with ingestion.running():
        ingestion.send(event(workflow_run_id=taken))
        until(lambda: ingestion.run_count(taken) == 1)
        ingestion.send_raw(b"not an event")
        ingestion.send_raw(None)
        ingestion.send(
            event("nobody_knows_it"),
            event(parameters={"isin": "wrong"}),
            event(workflow_run_id=taken, parameters={**FITTING, "quantity": 9}),
            good,
        )
        until(lambda: ingestion.run_count(good.workflow_run_id) == 1)
        until(lambda: ingestion.lag() == 0)
    letters = ingestion.letters()
    assert Counter(letter.reason for letter in letters) == {
        "not-json": 1,
        "empty": 1,
        "unknown-workflow": 1,
        "invalid-parameters": 1,
        "idempotency-conflict": 1,
    }
    bad_parameters = next(letter for letter in letters if letter.reason == "invalid-parameters")
    assert bad_parameters.errors[0].pointer == "#/parameters/isin"
    assert bad_parameters.workflow_id == "test_typed"
    assert {letter.consumer_group for letter in letters} == {ingestion.group}
    assert ingestion.run_count(taken) == 1


def test_a_dead_letter_is_the_record_as_it_was(ingestion: Ingestion) -> None:
    with ingestion.running():
        ingestion.send_raw(b"\xff not an event", key=b"\x00a key")
        (record,) = until(ingestion.dead_records)
    assert record.value() == b"\xff not an event"
    assert record.key() == b"\x00a key"
    assert ("x-origin", b"test") in record.headers()


def test_what_is_not_for_us_is_passed_over(ingestion: Ingestion) -> None:
    agents = event(workflow_type=WorkflowType.LANGGRAPH)
    with ingestion.running():
        ingestion.send(agents)
        until(lambda: ingestion.lag() == 0)
    assert ingestion.run_count(agents.workflow_run_id) == 0
    assert ingestion.letters() == []


def cancel_of(run_id: str) -> CancelRequested:
    return CancelRequested(
        source="/test",
        workflow_id="test_typed",
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id=run_id,
        payload=CancelPayload(mode=CancelMode.FORCE, reason="wrong file"),
    )


def test_a_cancel_ends_the_run_that_was_triggered_before_it(ingestion: Ingestion) -> None:
    one, other = event(), event()
    command = cancel_of(one.workflow_run_id)
    ingestion.send(one, command, command, other)
    with ingestion.running():
        until(lambda: ingestion.lag() == 0)
    (run,) = ingestion.server.runs(one.workflow_run_id)
    kept = run["conf"]["_tradewind"]["cancel"]
    assert (run["state"], kept["reason"], kept["by"]) == ("failed", "wrong file", "ingest")
    with ingestion.server.client() as client:
        assert client.get(f"/workflows/{one.workflow_run_id}/status").json()["status"] == "cancelled"
        assert client.get(f"/workflows/{other.workflow_run_id}/status").json()["status"] != "cancelled"
        # The same event, delivered again after a retry, is not another cancel.
        assert client.post(f"/workflows/{one.workflow_run_id}/retry", json={}).status_code == 202
    ingestion.send(command)
    with ingestion.running():
        until(lambda: ingestion.lag() == 0)
    assert ingestion.server.runs(one.workflow_run_id)[0]["state"] == "queued"
    assert ingestion.letters() == []


def test_a_cancel_that_comes_too_late_is_done_and_one_of_no_run_is_kept(ingestion: Ingestion) -> None:
    one = event()
    with ingestion.running():
        ingestion.send(one)
        until(lambda: ingestion.run_count(one.workflow_run_id) == 1)
        ingestion.server.rows("UPDATE dag_run SET state = 'success' WHERE run_id = %s", one.workflow_run_id)
        ingestion.send(cancel_of(one.workflow_run_id), cancel_of("unheard-of"))
        until(lambda: ingestion.lag() == 0)
    assert [(one.reason, one.workflow_run_id) for one in ingestion.letters()] == [("unknown-run", "unheard-of")]
    assert ingestion.server.runs(one.workflow_run_id)[0]["state"] == "success"


def test_an_answer_that_is_not_taken_is_kept(ingestion: Ingestion) -> None:
    answer = ResumeRequested(
        source="/test",
        workflow_id="test_typed",
        workflow_type=WorkflowType.AIRFLOW,
        workflow_run_id="some-run",
        payload=ResumePayload(interrupt_id="i", value=True),
    )
    with ingestion.running():
        ingestion.send(answer)
        until(lambda: ingestion.lag() == 0)
    assert [letter.reason for letter in ingestion.letters()] == ["unsupported-command"]


def test_the_run_of_a_paused_dag_is_made_and_waits(ingestion: Ingestion) -> None:
    held = event("test_paused")
    with ingestion.running():
        ingestion.send(held)
        until(lambda: ingestion.run_count(held.workflow_run_id) == 1)
    with ingestion.server.client() as client:
        assert client.get(f"/workflows/{held.workflow_run_id}/status").json()["status"] == "held"


def test_a_workflow_that_cannot_run_now_runs_when_it_can(ingestion: Ingestion) -> None:
    waiting, free = event("test_changing"), [event() for _ in range(12)]
    break_it = "UPDATE dag SET has_import_errors = %s WHERE dag_id = 'test_changing'"
    ingestion.server.rows(break_it, True)
    try:
        with ingestion.running():
            ingestion.send(waiting, *free)
            # Runs of other workflows do not wait for it, in whichever partition they are.
            until(lambda: ingestion.run_count(*(one.workflow_run_id for one in free)) == len(free), PATIENCE)
            assert ingestion.run_count(waiting.workflow_run_id) == 0
            ingestion.server.rows(break_it, False)
            until(lambda: ingestion.run_count(waiting.workflow_run_id) == 1)
            until(lambda: ingestion.lag() == 0)
    finally:
        ingestion.server.rows(break_it, False)
    assert ingestion.letters() == []


def test_a_workflow_that_stays_unavailable_is_dead_lettered_in_the_end(ingestion: Ingestion) -> None:
    with ingestion.running():
        ingestion.send(event("test_broken"), event("test_stale"))
        letters = until(lambda: len(found := ingestion.letters()) == 2 and found, PATIENCE + 20)
        until(lambda: ingestion.lag() == 0)
    assert letters
    assert [letter.reason for letter in letters] == ["workflow-unavailable"] * 2


def test_a_stopped_ingestion_has_left_its_group(ingestion: Ingestion) -> None:
    with ingestion.running():
        until(lambda: ingestion.members() == 1)
    assert ingestion.members() == 0


def test_two_share_the_partitions_and_each_event_runs_once(ingestion: Ingestion) -> None:
    events = [event("test_paused") for _ in range(300)]
    ids = [one.workflow_run_id for one in events]
    with ingestion.running():
        ingestion.send(*events[:150])
        with ingestion.running():
            ingestion.send(*events[150:250])
            until(lambda: ingestion.members() == 2)
        ingestion.send(*events[250:])
        until(lambda: ingestion.run_count(*ids) == 300, 60)
        until(lambda: ingestion.lag() == 0)
    assert ingestion.run_count(*ids) == 300
    assert ingestion.letters() == []
