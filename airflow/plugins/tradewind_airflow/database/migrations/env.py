"""Alembic's environment: connects to Airflow's database. Alembic runs this file for each command."""

from airflow import settings
from alembic import context

from tradewind_airflow.database.db_manager import TradewindDBManager


def _run() -> None:
    with context.begin_transaction():
        context.run_migrations()


def _offline() -> None:
    context.configure(
        url=settings.SQL_ALCHEMY_CONN, literal_binds=True, version_table=TradewindDBManager.version_table_name
    )
    _run()


def _online() -> None:
    with settings.get_engine().connect() as connection:  # type: ignore[no-untyped-call]  # Airflow's
        context.configure(
            connection=connection,
            # Postgres creates an index CONCURRENTLY only outside of transactions (`autocommit_block`).
            transaction_per_migration=True,
            version_table=TradewindDBManager.version_table_name,
        )
        _run()


if context.is_offline_mode():
    _offline()
else:
    _online()
