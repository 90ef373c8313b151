"""An API server dies inside a batch: after the caller's retry no item is lost, and none is there twice."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS, AirflowServer
from support.batch_kills import BatchKills, Found
from support.migrated_database import migrated_database
from support.plugin_suite import FITTING
from support.servers import temporary_home
from tradewind_local.postgres import PostgresServer

PARAMETERS = {"test_typed": FITTING, "test_free": {}, "test_mapped": {}}
TASKS = {"test_typed": 1, "test_free": 5, "test_mapped": 2}
KILLS = 3


@pytest.fixture
def servers(postgres_server: PostgresServer) -> Iterator[list[AirflowServer]]:
    """Two of one database."""
    with temporary_home() as home, ExitStack() as stack:
        shutil.copytree(TEST_DAGS, home / "dags")
        url = migrated_database(postgres_server, "kills")
        both = [AirflowServer(home / name, url, home / "dags") for name in ("one", "two")]
        parse_dags(both[0])
        yield [stack.enter_context(server) for server in both]


def test_no_item_is_lost_and_none_is_there_twice(servers: list[AirflowServer]) -> None:
    kills = BatchKills(servers, PARAMETERS, size=60, seed=1)
    tally = kills.run(KILLS)
    assert tally.kills == KILLS
    assert kills.found(TASKS) == Found(lost=0, twice=0, whole=len(tally.asked))
