"""Tradewind's part of `airflow db migrate`; `[database] external_db_managers` names the class."""

from pathlib import Path

from airflow.utils.db_manager import BaseDBManager
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, text

from tradewind_airflow.database import indexes

FOLDER = Path(__file__).parent


class TradewindDBManager(BaseDBManager):
    """Creates Tradewind's indexes on Airflow's tables (`indexes`) with Alembic; Tradewind has no tables of its own.

    `airflow db migrate` and `airflow db-manager migrate <this class>` are idempotent, and create a dropped index again.
    The interface is defined in `airflow.utils.db_manager`.
    """

    metadata = MetaData()
    version_table_name = "alembic_version_tradewind"
    migration_dir = str(FOLDER / "migrations")
    alembic_file = str(FOLDER / "alembic.ini")
    supports_table_dropping = True
    revision_heads_map = {"0.1.0": "0001"}  # noqa: RUF012  # an instance variable to Airflow's types
    """Tradewind's version -> its newest revision, for `--to-version`."""

    def create_db_from_orm(self) -> None:
        """Create the indexes in a new database."""
        self.upgradedb()

    def upgradedb(
        self,
        to_revision: str | None = None,
        from_revision: str | None = None,
        show_sql_only: bool = False,
        use_migration_files: bool = False,  # noqa: ARG002  # there is no other way
    ) -> None:
        """Upgrade to `to_revision`, the newest by default; only print the SQL with `show_sql_only`."""
        config, target = self._config(), to_revision or "heads"
        if show_sql_only:
            command.upgrade(config, f"{from_revision or 'base'}:{target}", sql=True)
            return
        incomplete = bool(indexes.missing(self.session.connection()))
        # CREATE INDEX CONCURRENTLY waits for open transactions, and SQLite for open readers: end our own.
        self.session.commit()
        if incomplete:
            command.stamp(config, "base")
        command.upgrade(config, target)

    def downgrade(self, to_revision: str, from_revision: str | None = None, show_sql_only: bool = False) -> None:
        """Downgrade to `to_revision`; `base` removes the indexes."""
        self.session.commit()
        config, target = self._config(), to_revision
        if show_sql_only:
            target = f"{from_revision or self.get_script_object(config).get_current_head()}:{to_revision}"
        command.downgrade(config, target, sql=show_sql_only)

    def drop_tables(self, connection: Connection) -> None:
        """Remove the indexes and the record of their revision (`airflow db reset`)."""
        prefix = f"{indexes.schema()}." if indexes.schema() else ""
        for index in indexes.INDEXES:
            connection.execute(text(f"DROP INDEX IF EXISTS {prefix}{index.name}"))
        super().drop_tables(connection)  # type: ignore[no-untyped-call]  # Airflow's

    def _config(self) -> Config:
        config: Config = self.get_alembic_config()  # type: ignore[no-untyped-call]  # Airflow's
        return config
