"""The agents service on real Kafka and Postgres: from an event to a result."""

from pathlib import Path

import pytest

from support.agents import EventLog, World, ended, ready, running, trigger
from support.servers import new_database, new_topic_set
from tradewind_contracts.workflows import RunStatus
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer


@pytest.fixture
def world(kafka_broker: KafkaBroker, postgres_server: PostgresServer) -> World:
    return World(kafka_broker.bootstrap_servers, new_database(postgres_server), new_topic_set(kafka_broker))


@pytest.fixture
def log(world: World) -> EventLog:
    return EventLog(world)


async def test_event_to_result(world: World, log: EventLog, tmp_path: Path) -> None:
    event = trigger("steps", {"log": str(tmp_path / "log")})
    async with running(world) as client:
        await ready(client)
        log.send(event)
        found = await ended(client, event.workflow_run_id)
    assert found["status"] == "succeeded"
    assert found["result"] == {"done": [1, 2, 3, 4, 5]}
    statuses = log.statuses()[event.workflow_run_id]
    assert [status.payload.status for status in statuses] == [RunStatus.RUNNING, RunStatus.SUCCEEDED]
    assert world.is_caught_up()
