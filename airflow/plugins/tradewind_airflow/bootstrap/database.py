"""Airflow's database, asked without Airflow, which takes a second to import."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg2  # type: ignore[import-untyped]  # published so, and imported in a quarter of psycopg's time

SETTING = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"

TIMEOUT = 5
"""Seconds that a connection may take."""

Unreachable = psycopg2.OperationalError
"""The server does not answer, or does not let us in."""


def url(environment: Mapping[str, str] = os.environ) -> str:
    """Airflow's database as libpq's URL, from the variable or else the command that Airflow itself would ask.

    Raises `ValueError`, with what is wrong and no secret.
    """
    value = environment.get(SETTING) or _told(environment.get(f"{SETTING}_CMD", ""))
    scheme, colon, rest = value.partition(":")
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError(f"{SETTING} (or its _CMD) names no PostgreSQL database")
    return f"postgresql{colon}{rest}"


def _told(command: str) -> str:
    if not command:
        return ""
    # As Airflow runs it: without a shell.
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"{SETTING}_CMD failed")
    return done.stdout


@contextmanager
def cursor(name: str) -> Iterator[Any]:
    """A cursor in a transaction of its own, `name` being the application's. Raises `Unreachable`, and as `url` does."""
    connection = psycopg2.connect(url(), connect_timeout=TIMEOUT, application_name=name)
    try:
        with connection, connection.cursor() as rows:
            yield rows
    finally:
        connection.close()
