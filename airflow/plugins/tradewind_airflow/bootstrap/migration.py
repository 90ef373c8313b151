"""Migrates Airflow's and FAB's tables, and Tradewind's indexes on them."""

import subprocess
import sys
import time
from collections.abc import Iterator

from tradewind_airflow.bootstrap import database
from tradewind_airflow.bootstrap.errors import BootstrapError
from tradewind_airflow.bootstrap.settings import Settings

PAUSE = 1.0

SCHEMAS = {"Airflow": "alembic_version", "FAB": "alembic_version_fab", "Tradewind": "alembic_version_tradewind"}
"""Owner -> the table in which Alembic stores the revision."""


def run(settings: Settings) -> Iterator[str]:
    """Wait for the database and migrate its schemas; raise `BootstrapError` with Airflow's last line."""
    before = _wait_for_revisions(settings.database_patience)
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # no input
    if done.returncode:
        raise BootstrapError(f"airflow db migrate: {_last_line(done.stderr) or _last_line(done.stdout)}")
    yield summary(before, revisions())


def summary(before: dict[str, str], after: dict[str, str]) -> str:
    """One line with the revisions of all schemas."""
    changes = [f"{name} {_change(before.get(name), revision)}" for name, revision in after.items()]
    return f"database: {', '.join(changes)}"


def _change(before: str | None, after: str) -> str:
    return f"stays at {after}" if before == after else f"{before or 'nothing'} -> {after}"


def revisions() -> dict[str, str]:
    """Owner -> revision of each existing schema."""
    found: dict[str, str] = {}
    with database.cursor("tradewind-bootstrap") as rows:
        for name, table in SCHEMAS.items():
            rows.execute("SELECT to_regclass(%s)", (table,))
            if rows.fetchone()[0]:
                rows.execute(f"SELECT version_num FROM {table}")  # noqa: S608  # a name of ours
                found[name] = ", ".join(version for (version,) in rows.fetchall())
    return found


def _wait_for_revisions(patience: float) -> dict[str, str]:
    deadline = time.monotonic() + patience
    while True:
        try:
            return revisions()
        except ValueError as error:
            raise BootstrapError(str(error)) from error
        except database.Unreachable as error:
            if time.monotonic() >= deadline or "authentication failed" in str(error):
                raise BootstrapError(f"the database: {' '.join(str(error).split())}") from error
        time.sleep(PAUSE)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
