"""Airflow's tables and our indexes on them: migrated when the installed ones are not those that made them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from tradewind_local import repository
from tradewind_local.errors import PartError
from tradewind_local.postgres import PostgresNode

REVISIONS = repository.ROOT / "airflow" / "plugins" / "tradewind_airflow" / "database" / "migrations" / "versions"


@dataclass(frozen=True)
class AirflowSchema:
    """The tables in `database`; `record` remembers which Airflow and plugin migrated them, and to which revisions."""

    node: PostgresNode
    database: str
    record: Path
    log: Path

    def migrate(self, environment: dict[str, str], folder: Path) -> None:
        """Run `airflow db migrate` unless the tables are this Airflow's. Raises PartError when it fails."""
        if self._current():
            return
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        with self.log.open("ab") as output:
            code = subprocess.run(  # noqa: S603 our own command line
                command, env=environment, cwd=folder, stdout=output, stderr=output, check=False
            ).returncode
        if code:
            raise PartError.with_log("airflow db migrate", f"failed (exit code {code})", self.log)
        self.record.write_text(json.dumps(self._now()) + "\n")

    def _current(self) -> bool:
        return self.record.exists() and json.loads(self.record.read_text()) == self._now()

    def _now(self) -> dict[str, object]:
        return {
            "airflow": version("apache-airflow-core"),
            "revision": self._revision("alembic_version"),
            "plugin": sorted(path.stem for path in REVISIONS.glob("[a-z]*.py")),
            "plugin_revision": self._revision("alembic_version_tradewind"),
        }

    def _revision(self, table: str) -> str | None:
        query = sql.SQL("SELECT version_num FROM {}").format(sql.Identifier(table))
        with psycopg.connect(self.node.url(self.database)) as connection:
            try:
                row = connection.execute(query).fetchone()
            except psycopg.errors.UndefinedTable:
                return None
        return str(row[0]) if row else None
