"""The local stack, with a home of its own, that benchmarks and fault scenarios run on."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psycopg

from airflow_api import AirflowApi
from tradewind_local.parts import ALL
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack

HOME = Path(__file__).parents[1] / ".bench"
WORKFLOW = "example_workflow"


@dataclass(frozen=True)
class StackUnderTest:
    """A running stack and how to reach its parts."""

    stack: Stack
    environment: dict[str, str]

    @property
    def api_url(self) -> str:
        """The facade."""
        return self.environment["TRADEWIND_API_URL"]

    @property
    def api_headers(self) -> dict[str, str]:
        """A caller's credentials at the facade."""
        token = next(iter(json.loads(self.environment["API_TOKENS"]).values()))
        return {"Authorization": f"Bearer {token}"}

    @property
    def bootstrap_servers(self) -> str:
        """The broker."""
        return self.environment["KAFKA_BOOTSTRAP_SERVERS"]

    @property
    def airflow_database(self) -> str:
        """Airflow's metadata database, for reading."""
        return self.environment["AIRFLOW_DATABASE_URL"]

    @property
    def agents_database(self) -> str:
        """The agents' database, for reading."""
        return self.environment["LANGGRAPH_DATABASE_URL"]

    def http(self) -> aiohttp.ClientSession:
        """Open a client session without a bound on connections."""
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60))

    async def airflow(self, http: aiohttp.ClientSession) -> AirflowApi:
        """Sign in at Airflow as the administrator."""
        api = AirflowApi(http, self.environment["AIRFLOW_BASE_URL"])
        await api.sign_in("admin", self.environment["AIRFLOW_ADMIN_PASSWORD"])
        return api


@contextmanager
def running() -> Iterator[StackUnderTest]:
    """Start a stack from nothing on free ports; stop it and drop its data in the end."""
    shutil.rmtree(HOME, ignore_errors=True)
    free = LocalSettings(home=HOME, kafka_port=0, airflow_port=0, agents_port=0, api_port=0)
    stack = Stack(free, lambda part, seconds: print(f"  {part:24} {seconds:5.1f} s", flush=True))
    try:
        stack.up()
        under_test = StackUnderTest(stack, stack.environment())
        _keep_commit_times(under_test)
        yield under_test
    finally:
        stack.down()
        shutil.rmtree(HOME, ignore_errors=True)


def _keep_commit_times(under_test: StackUnderTest) -> None:
    """Let Postgres remember when each row was committed; only a start of the server takes this setting in."""
    with psycopg.connect(under_test.airflow_database, autocommit=True) as database:
        database.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    under_test.stack.stop_part("postgres")
    under_test.stack.start_part("postgres")
    for part in ALL:
        under_test.stack.wait_ready(part)
