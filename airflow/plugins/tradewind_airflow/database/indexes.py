"""Tradewind's own indexes on Airflow's tables, without which finding a run scans all runs.

Airflow has no index on `dag_run.run_id` alone, none on `updated_at`, none on a DAG's runs in order, and none on pending
human input. Reasons and measurements: docs/adr/0006-own-indexes.md.
"""

import logging
from dataclasses import dataclass

from airflow.models.base import Base
from airflow.utils.session import create_session
from sqlalchemy import Connection, bindparam, inspect, text
from sqlalchemy.exc import SQLAlchemyError

logger = logging.getLogger(__name__)

MIGRATE = "airflow db migrate"
MANAGER = "tradewind_airflow.database.db_manager.TradewindDBManager"
"""The value of `[database] external_db_managers` with which `MIGRATE` creates the indexes."""


DATABASES = {"postgresql", "sqlite"}
"""The dialects on which the indexes are created."""


@dataclass(frozen=True)
class OwnIndex:
    """One index; `where` makes it a partial one, in SQL that is valid on Postgres and SQLite."""

    name: str
    table: str
    columns: tuple[str, ...]
    where: str | None = None


INDEXES = (
    OwnIndex("tradewind_dag_run_run_id", "dag_run", ("run_id",)),
    OwnIndex("tradewind_dag_run_updated_at", "dag_run", ("updated_at",)),
    OwnIndex("tradewind_dag_run_dag_id_id", "dag_run", ("dag_id", "id")),
    OwnIndex("tradewind_hitl_detail_pending", "hitl_detail", ("created_at",), "responded_at IS NULL"),
    OwnIndex("tradewind_hitl_detail_responded_at", "hitl_detail", ("responded_at",)),
)

_BROKEN = text(
    "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " WHERE c.relname IN :names AND NOT i.indisvalid"
    " AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid)"
).bindparams(bindparam("names", expanding=True))


def schema() -> str | None:
    """Return the schema of Airflow's tables; None for the database's default."""
    named: str | None = Base.metadata.schema
    return named


def broken(connection: Connection) -> set[str]:
    """Return the indexes that an interrupted `CREATE INDEX CONCURRENTLY` left invalid: no query uses them."""
    if connection.dialect.name != "postgresql":
        return set()
    return set(connection.scalars(_BROKEN, {"names": [index.name for index in INDEXES]}))


def missing(connection: Connection) -> list[OwnIndex]:
    """Return the indexes that are missing or invalid."""
    found = inspect(connection)
    tables = {index.table for index in INDEXES}
    names = {one["name"] for table in tables for one in found.get_indexes(table, schema())} - broken(connection)
    return [index for index in INDEXES if index.name not in names]


def report_missing() -> None:
    """Log which indexes are missing, and how to create them; nothing else depends on it."""
    try:
        with create_session(scoped=False) as session:
            names = [index.name for index in missing(session.connection())]
    except SQLAlchemyError:
        logger.exception("cannot check for Tradewind's indexes")
        return
    if names:
        logger.error(
            "Tradewind's indexes %s are missing: everything works, but each lookup scans all runs. Set [database] "
            "external_db_managers = %s and run `%s`; it locks nothing on Postgres.",
            ", ".join(names),
            MANAGER,
            MIGRATE,
        )
