"""Airflow's tables: migrated when the installed Airflow is not the one that made them."""

import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import psycopg

from tradewind_local.errors import PartError
from tradewind_local.postgres import PostgresNode


@dataclass(frozen=True)
class AirflowSchema:
    """The tables in `database`; `record` remembers which Airflow last migrated them, and to which revision."""

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

    def _now(self) -> dict[str, str | None]:
        return {"airflow": version("apache-airflow-core"), "revision": self._revision()}

    def _revision(self) -> str | None:
        with psycopg.connect(self.node.url(self.database)) as connection:
            try:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            except psycopg.errors.UndefinedTable:
                return None
        return str(row[0]) if row else None
