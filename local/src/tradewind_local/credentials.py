"""The stack's secrets as its parts read them: the rows of the env file, and Airflow's users."""

import json
from pathlib import Path

from dotenv import dotenv_values

from tradewind_local.env_file import complete, write_private

AIRFLOW_USERS = {
    "admin": ("admin", "AIRFLOW_ADMIN_PASSWORD"),
    "facade": ("viewer", "AIRFLOW_PASSWORD"),
    "ingest": ("user", "AIRFLOW_INGEST_PASSWORD"),
}
"""Airflow's users: role, and the secret that holds the password."""


def ensure(env_file: Path) -> dict[str, str]:
    """All rows of `env_file`, after the secrets that it lacks (or leaves empty) were appended; its mode is then 600."""
    complete(env_file)
    return read(env_file)


def read(env_file: Path) -> dict[str, str]:
    """The rows of an env file that have a value; nothing is interpolated."""
    return {name: value for name, value in dotenv_values(env_file, interpolate=False).items() if value}


def airflow_users() -> str:
    """Airflow's `[core] simple_auth_manager_users`."""
    return ",".join(f"{user}:{role}" for user, (role, _) in AIRFLOW_USERS.items())


def write_airflow_passwords(path: Path, rows: dict[str, str]) -> None:
    """Write the file that `[core] simple_auth_manager_passwords_file` names: a JSON object of user and password."""
    write_private(path, json.dumps({user: rows[secret] for user, (_, secret) in AIRFLOW_USERS.items()}) + "\n")
