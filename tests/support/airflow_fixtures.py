"""Fixtures around one real Airflow API server with our plugin, for the modules that import them."""

import shutil
from collections.abc import Iterator

import httpx
import pytest

from support.airflow_server import TEST_DAGS, AirflowServer
from support.airflow_variants import FabServer
from support.migrated_database import migrated_database
from support.servers import new_database, temporary_home
from tradewind_local.postgres import PostgresServer


@pytest.fixture(scope="session")
def airflow_server(postgres_server: PostgresServer) -> Iterator[AirflowServer]:
    """A running server with the test DAGs, on a database of its own."""
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        server = AirflowServer(home, migrated_database(postgres_server, "airflow"), home / "dags")
        parse_dags(server)
        with server:
            yield server


@pytest.fixture(scope="session")
def fab_server(postgres_server: PostgresServer) -> Iterator[FabServer]:
    """A running server with the test DAGs, whose users and roles are FAB's."""
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        server = FabServer(home, new_database(postgres_server, "fab"))
        server.run("db", "migrate")
        parse_dags(server)
        server.add_users()
        with server:
            yield server


def parse_dags(server: AirflowServer) -> None:
    """Have Airflow parse the DAG files, and put each test DAG into the state that its name tells."""
    server.run("dags", "reserialize")
    server.rows("UPDATE dag SET is_stale = true WHERE dag_id = 'test_stale'")
    server.rows("UPDATE dag SET has_import_errors = true WHERE dag_id = 'test_broken'")
    server.rows("DELETE FROM serialized_dag WHERE dag_id = 'test_unserialized'")
    server.rows("UPDATE dag SET is_paused = (dag_id = 'test_paused')")


@pytest.fixture
def ingest(airflow_server: AirflowServer) -> Iterator[httpx.Client]:
    """The plugin, for a user who may trigger."""
    with airflow_server.client("ingest") as client:
        yield client


@pytest.fixture
def viewer(airflow_server: AirflowServer) -> Iterator[httpx.Client]:
    """The plugin, for a user who may only read."""
    with airflow_server.client("facade") as client:
        yield client
