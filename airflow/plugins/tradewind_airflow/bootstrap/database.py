"""Queries to Airflow's database without importing Airflow, which takes a second."""

import os
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg2  # type: ignore[import-untyped]  # published so, and imported in a quarter of psycopg's time

SETTING = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"

TIMEOUT = 5
"""Seconds within which a connection must be established."""

Unreachable = psycopg2.OperationalError
"""The server does not respond, or refuses the login."""


def url(environment: Mapping[str, str] = os.environ) -> str:
    """Airflow's database as a libpq URL, from the variable or else from the command, as Airflow itself does.

    Raises `ValueError`, without a secret in the message.
    """
    value = environment.get(SETTING) or _output(environment.get(f"{SETTING}_CMD", ""))
    scheme, colon, rest = value.partition(":")
    if scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError(f"{SETTING} (or its _CMD) is not the URL of a PostgreSQL database")
    return f"postgresql{colon}{rest}"


def _output(command: str) -> str:
    if not command:
        return ""
    # As Airflow runs it: without a shell.
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False)  # noqa: S603  # ours
    if done.returncode:
        raise ValueError(done.stderr.strip() or f"{SETTING}_CMD failed")
    return done.stdout


@contextmanager
def cursor(name: str) -> Iterator[Any]:
    """A cursor in its own transaction; `name` is the application name. Raises `Unreachable`, and errors of `url`."""
    connection = psycopg2.connect(url(), connect_timeout=TIMEOUT, application_name=name)
    try:
        with connection, connection.cursor() as rows:
            yield rows
    finally:
        connection.close()
