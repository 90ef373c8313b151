"""Tradewind's indexes on Airflow's tables: made by `airflow db migrate`, as often as it is run, and told of if not."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from support import airflow_home
from support.airflow_home import DB_MANAGER
from support.airflow_server import TEST_DAGS, AirflowServer
from support.migrated_database import migrated_database
from support.servers import temporary_home
from tradewind_local.postgres import PostgresServer

OURS = {
    "tradewind_dag_run_run_id": "ON public.dag_run USING btree (run_id)",
    "tradewind_dag_run_updated_at": "ON public.dag_run USING btree (updated_at)",
    "tradewind_dag_run_dag_id_id": "ON public.dag_run USING btree (dag_id, id)",
    "tradewind_hitl_detail_pending": "ON public.hitl_detail USING btree (created_at) WHERE (responded_at IS NULL)",
    "tradewind_hitl_detail_responded_at": "ON public.hitl_detail USING btree (responded_at)",
}


@pytest.fixture(scope="module")
def airflow(postgres_server: PostgresServer) -> Iterator[AirflowServer]:
    """A migrated Airflow that does not serve yet."""
    with temporary_home() as home:
        shutil.copytree(TEST_DAGS, home / "dags")
        yield AirflowServer(home, migrated_database(postgres_server, "indexes"), home / "dags")


def indexes(airflow: AirflowServer) -> dict[str, str]:
    """The usable ones, with what they are on."""
    found = airflow.rows(
        "SELECT c.relname AS name, pg_get_indexdef(c.oid) AS sql FROM pg_class c"
        " JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relname LIKE 'tradewind%%' AND i.indisvalid"
    )
    return {row["name"]: row["sql"].partition(f"{row['name']} ")[2] for row in found}


def test_a_migration_makes_them_and_another_one_changes_nothing(airflow: AirflowServer) -> None:
    assert indexes(airflow) == OURS
    airflow.run("db", "migrate")
    airflow.run("db-manager", "migrate", DB_MANAGER)
    assert indexes(airflow) == OURS
    airflow.run("db", "check-migrations", "--migration-wait-timeout", "1")


def test_what_an_interrupted_build_left_behind_and_what_somebody_dropped_is_made_anew(airflow: AirflowServer) -> None:
    airflow.rows("DROP INDEX tradewind_hitl_detail_pending")
    airflow.rows("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tradewind_dag_run_run_id'::regclass")
    assert indexes(airflow).keys() == OURS.keys() - {"tradewind_hitl_detail_pending", "tradewind_dag_run_run_id"}
    airflow.run("db", "migrate")
    assert indexes(airflow) == OURS


def test_they_are_removed_by_a_downgrade_and_the_server_says_that_they_are_missing(airflow: AirflowServer) -> None:
    airflow.run("db-manager", "downgrade", DB_MANAGER, "--to-revision", "base", "--yes")
    assert indexes(airflow) == {}
    airflow.run("dags", "reserialize")
    with airflow, airflow.client() as client:
        log = airflow.log()
        assert all(name in log for name in OURS)
        assert "airflow db migrate" in log
        item = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}
        made = client.post("/workflows/trigger", json=item).json()
        assert client.get(f"/workflows/{made['workflow_run_id']}/status").json()["workflow_id"] == "test_free"
    airflow.run("db-manager", "migrate", DB_MANAGER)
    assert indexes(airflow) == OURS


def test_a_reset_drops_them_with_their_tables(airflow: AirflowServer) -> None:
    airflow.run("db", "reset", "--skip-init", "--yes")
    assert airflow.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE '%%tradewind%%'") == []
    airflow.run("db", "migrate")
    assert indexes(airflow) == OURS


def test_the_sql_can_be_printed_and_runs_nothing(airflow: AirflowServer) -> None:
    airflow.run("db-manager", "downgrade", DB_MANAGER, "--to-revision", "base", "--show-sql-only", "--yes")
    airflow.run("db-manager", "migrate", DB_MANAGER, "--show-sql-only")
    assert indexes(airflow) == OURS


def test_sqlite_has_them_too() -> None:
    with temporary_home() as home:
        env = airflow_home.environment(home)
        airflow_home.migrate(env)
        airflow_home.migrate(env)
        with closing(sqlite3.connect(home / "airflow.db")) as database:
            query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND name LIKE 'tradewind%'"
            found = dict(database.execute(query).fetchall())
    assert found.keys() == OURS.keys()
    assert found["tradewind_hitl_detail_pending"].endswith("(created_at) WHERE responded_at IS NULL")
