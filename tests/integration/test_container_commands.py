"""The commands that containers run beside the services: the job that makes the topics, and the health checks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.agents import World, agents_process, ready
from support.servers import new_database, new_topic_set
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_local.topics import admin


def run(module: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-m", module], env=known, capture_output=True, text=True, timeout=90, check=False
    )


@pytest.fixture
def world(kafka_broker: KafkaBroker, postgres_server: PostgresServer) -> World:
    """A broker and a database with nothing in them."""
    return World(kafka_broker.bootstrap_servers, new_database(postgres_server), new_topic_set(kafka_broker))


def test_the_topics_job_may_run_any_number_of_times(kafka_broker: KafkaBroker) -> None:
    before = admin(kafka_broker.bootstrap_servers).list_topics(timeout=10).topics
    for _ in range(2):
        job = run("tradewind_api.topics", KAFKA_BOOTSTRAP_SERVERS=kafka_broker.bootstrap_servers)
        assert (job.returncode, job.stderr) == (0, "")
    after = admin(kafka_broker.bootstrap_servers).list_topics(timeout=10).topics
    assert {name: len(topic.partitions) for name, topic in after.items()} == {
        name: len(topic.partitions) for name, topic in before.items()
    }


async def test_the_health_check_follows_the_service(world: World, tmp_path: Path) -> None:
    with agents_process(world, tmp_path) as agents:
        port = str(agents.port)
        async with agents.client() as client:
            await ready(client)
        assert run("tradewind_agents.health", LANGGRAPH_PORT=port).returncode == 0
        agents.terminate()
        gone = run("tradewind_agents.health", LANGGRAPH_PORT=port)
        assert (gone.returncode, "ConnectionRefusedError" in gone.stderr) == (1, True)
