"""Parts go down while events come in: nothing is lost, nothing runs twice, nothing is dead-lettered."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS, AirflowServer
from support.ingestion import Ingestion, until
from support.plugin_suite import FITTING
from support.servers import new_topic_set, temporary_home
from tradewind_contracts import run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer


def events(count: int) -> list[WorkflowTriggered]:
    return [
        WorkflowTriggered(
            source="/test",
            workflow_id="test_typed",
            workflow_type=WorkflowType.AIRFLOW,
            workflow_run_id=run_ids.new(),
            payload=TriggerPayload(parameters=FITTING),
        )
        for _ in range(count)
    ]


def ids(given: list[WorkflowTriggered]) -> list[str]:
    return [event.workflow_run_id for event in given]


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A database server that may be killed."""
    with temporary_home() as home, PostgresServer(home) as server:
        yield server


@pytest.fixture(scope="module")
def own_airflow(own_postgres: PostgresServer) -> Iterator[AirflowServer]:
    """An API server that may be killed."""
    with temporary_home() as home:
        server = AirflowServer(home, own_postgres.ensure_database("airflow"), TEST_DAGS)
        server.run("db", "migrate")
        parse_dags(server)
        with server:
            yield server


@pytest.fixture
def ingestion(kafka_broker: KafkaBroker, own_airflow: AirflowServer) -> Ingestion:
    return Ingestion(kafka_broker.bootstrap_servers, own_airflow, new_topic_set(kafka_broker))


def all_run_once(ingestion: Ingestion, given: list[WorkflowTriggered]) -> None:
    until(lambda: ingestion.run_count(*ids(given)) == len(given), 60)
    until(lambda: ingestion.lag() == 0)
    assert ingestion.run_count(*ids(given)) == len(given)
    assert ingestion.letters() == []


def test_the_api_server_is_killed_and_comes_back(ingestion: Ingestion) -> None:
    before, during, after = events(30), events(30), events(5)
    with ingestion.running():
        ingestion.send(*before)
        until(lambda: ingestion.run_count(*ids(before)) > 0)
        ingestion.server.kill()
        ingestion.send(*during)
        time.sleep(2)
        assert ingestion.run_count(*ids(during)) == 0
        assert ingestion.lag() >= len(during)
        ingestion.server.start()
        ingestion.send(*after)
        all_run_once(ingestion, before + during + after)


def test_postgres_is_killed_and_comes_back(ingestion: Ingestion, own_postgres: PostgresServer) -> None:
    before, during = events(20), events(20)
    with ingestion.running():
        ingestion.send(*before)
        until(lambda: ingestion.run_count(*ids(before)) == len(before))
        own_postgres.kill()
        ingestion.send(*during)
        until(lambda: ingestion.lag() >= len(during))
        time.sleep(2)
        own_postgres.start()
        all_run_once(ingestion, before + during)


def test_the_plugin_says_that_postgres_is_down(own_airflow: AirflowServer, own_postgres: PostgresServer) -> None:
    with own_airflow.client() as client:
        own_postgres.kill()
        try:
            answers = [
                client.get("/workflows"),
                client.get("/workflows/some-run/status"),
                client.post(
                    "/workflows/trigger",
                    json={"workflow_id": "test_typed", "workflow_type": "airflow", "parameters": FITTING},
                ),
            ]
        finally:
            own_postgres.start()
    for answer in answers:
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] == "urn:tradewind:problem:engine-unavailable"
        assert int(answer.headers["retry-after"]) > 0


def test_a_wrong_password_costs_nothing_and_a_mended_one_is_used(
    ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = events(3)
    good = ingestion.server.passwords["ingest"]
    with monkeypatch.context() as patch:
        patch.setitem(ingestion.server.passwords, "ingest", "wrong")
        running = ingestion.running()
        running.__enter__()
    try:
        ingestion.send(*given)
        time.sleep(2)
        assert ingestion.run_count(*ids(given)) == 0
        assert ingestion.server.passwords["ingest"] == good
        for name, value in ingestion.connections.items():
            monkeypatch.setenv(name, value)
        all_run_once(ingestion, given)
    finally:
        running.__exit__(None, None, None)


def test_the_broker_is_killed_and_comes_back(own_airflow: AirflowServer, tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        ingestion = Ingestion(broker.bootstrap_servers, own_airflow, new_topic_set(broker))
        before, after = events(20), events(20)
        with ingestion.running():
            ingestion.send(*before)
            until(lambda: ingestion.run_count(*ids(before)) == len(before))
            broker.kill()
            time.sleep(3)
            broker.start()
            ingestion.send(*after)
            all_run_once(ingestion, before + after)


def test_an_ingestion_that_starts_before_the_broker_works_when_it_is_there(
    own_airflow: AirflowServer, tmp_path: Path
) -> None:
    with KafkaBroker(tmp_path) as broker:
        ingestion = Ingestion(broker.bootstrap_servers, own_airflow, new_topic_set(broker))
        given = events(5)
        ingestion.send(*given)
        broker.kill()
        with ingestion.running():
            time.sleep(2)
            broker.start()
            all_run_once(ingestion, given)
