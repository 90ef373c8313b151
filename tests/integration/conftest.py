"""One real broker and one real database for all integration tests of a session; each is started on first use.

A test takes own topics, groups and databases: `support.servers.new_topic`, `new_database`, `unique`.
"""

from collections.abc import Iterator

import pytest

from support.airflow_fixtures import airflow_server, fab_server, ingest, viewer
from support.servers import temporary_home
from support.steered_airflow import steered
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_local.topics import create_topics, warm_groups

__all__ = ["airflow_server", "fab_server", "ingest", "steered", "viewer"]


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running broker with the stack's three topics. Its address is `kafka_broker.bootstrap_servers`."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        create_topics(broker.bootstrap_servers)
        warm_groups(broker.bootstrap_servers, "warm-up")
        yield broker


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server. `postgres_server.url("postgres")` is its first database."""
    with temporary_home() as home, PostgresServer(home) as server:
        yield server
