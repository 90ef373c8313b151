"""Airflow's API server and a database, and nothing else: for what no scheduler and no broker may disturb."""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg
from psycopg import sql

from airflow_api import AirflowApi
from tradewind_local.postgres import PostgresServer

HERE = Path(__file__).parent
DATABASE = "bench"
sys.path.append(str(HERE.parent / "tests"))

from support.airflow_server import AirflowServer  # noqa: E402  # the tests' folder is on the path only now
from support.many_runs import multiply  # noqa: E402  # as above

__all__ = ["FEW", "MANY", "AirflowAlone", "AirflowServer", "prepared", "signed_in", "with_few_and_many_runs"]

COPIED = "copied"
FEW, MANY = 1_000, 1_000_000


@dataclass(frozen=True)
class AirflowAlone:
    """A migrated database with the DAGs of `benchmarks/dags`, and servers of it that the caller starts."""

    home: Path
    postgres: PostgresServer
    database_url: str

    def server(self, name: str, database_url: str | None = None) -> AirflowServer:
        """A server of the one database, or of a copy, not started."""
        return AirflowServer(self.home / name, database_url or self.database_url, self.home / "dags")

    def copy(self, name: str) -> str:
        """The URL of a copy of the database, which nobody may be connected to."""
        with psycopg.connect(self.postgres.url(), autocommit=True) as database:
            database.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, DATABASE))))
        return self.postgres.url(name)


@contextmanager
def prepared() -> Iterator[AirflowAlone]:
    """Make everything from nothing, and drop it in the end."""
    with tempfile.TemporaryDirectory(prefix="tradewind-bench-") as folder, PostgresServer(Path(folder)) as postgres:
        alone = AirflowAlone(Path(folder), postgres, postgres.ensure_database(DATABASE))
        shutil.copytree(HERE / "dags", alone.home / "dags")
        server = alone.server("setup")
        server.run("db", "migrate")
        server.run("dags", "reserialize")
        yield alone


@contextmanager
def with_few_and_many_runs(dag_id: str) -> Iterator[tuple[AirflowServer, AirflowServer]]:
    """Serve two databases, one with `FEW` runs of a DAG and one with `MANY`, all copies of one that the plugin made."""
    with prepared() as alone:
        with alone.server("setup") as server:
            asyncio.run(_first_run(server, dag_id))
        large = alone.copy("million")
        multiply(alone.database_url, COPIED, FEW)
        multiply(large, COPIED, MANY)
        with alone.server("thousand") as few, alone.server("million", large) as many:
            yield few, many


async def _first_run(server: AirflowServer, dag_id: str) -> None:
    async with aiohttp.ClientSession() as http:
        airflow = await signed_in(http, server)
        await airflow.trigger_batch([{"workflow_id": dag_id, "workflow_type": "airflow", "workflow_run_id": COPIED}])


async def signed_in(http: aiohttp.ClientSession, server: AirflowServer) -> AirflowApi:
    """Sign in as the administrator."""
    api = AirflowApi(http, server.url)
    await api.sign_in("admin", server.passwords["admin"])
    return api
