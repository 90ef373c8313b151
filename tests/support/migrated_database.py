"""Airflow's tables, made once on a server and copied for each database that needs them."""

from functools import cache

import psycopg
from psycopg import sql

from support.airflow_server import TEST_DAGS, AirflowServer
from support.servers import temporary_home, unique
from tradewind_local.postgres import PostgresServer


def migrated_database(server: PostgresServer, prefix: str) -> str:
    """The URL (libpq's form) of a new database with the tables of Airflow and of our plugin."""
    name, template = unique(prefix), _template(server)
    copied = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(copied)
    return server.url(name)


@cache
def _template(server: PostgresServer) -> str:
    name = unique("template")
    with temporary_home() as home:
        AirflowServer(home, server.ensure_database(name), TEST_DAGS).run("db", "migrate")
    return name
