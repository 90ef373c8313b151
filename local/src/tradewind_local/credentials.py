"""The stack's secrets: made on first use, kept in an env file that only its owner can read."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from dotenv import dotenv_values

from tradewind_local.locks import exclusive

HEADING = "# Made by tradewind_local on first use. Keep it to yourself: whoever reads it is every user of this stack."


def _token() -> str:
    return secrets.token_urlsafe(32)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _jwt_secret() -> str:
    # HS512, which Airflow signs with, wants a key of 64 bytes.
    return secrets.token_urlsafe(64)


def _api_tokens() -> str:
    return json.dumps({"demo": _token()})


GENERATED: dict[str, Callable[[], str]] = {
    "AIRFLOW__CORE__FERNET_KEY": _fernet_key,
    "AIRFLOW__API__SECRET_KEY": _token,
    "AIRFLOW__API_AUTH__JWT_SECRET": _jwt_secret,
    "AIRFLOW_ADMIN_PASSWORD": _token,
    "AIRFLOW_INGEST_PASSWORD": _token,
    "AIRFLOW_PASSWORD": _token,
    "API_TOKENS": _api_tokens,
    "LANGGRAPH_TOKEN": _token,
}
"""Every secret and what makes it. AIRFLOW_PASSWORD is the facade's own, as the brief names it."""

AIRFLOW_USERS = {
    "admin": ("admin", "AIRFLOW_ADMIN_PASSWORD"),
    "facade": ("viewer", "AIRFLOW_PASSWORD"),
    "ingest": ("user", "AIRFLOW_INGEST_PASSWORD"),
}
"""Airflow's users: role, and the secret that holds the password."""


def ensure(env_file: Path) -> dict[str, str]:
    """All rows of `env_file`, after the secrets that it lacks (or leaves empty) were appended; its mode is then 600.

    What stands there is never changed. Two processes that come at once make one set.
    """
    env_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(env_file.parent):
        rows = read(env_file)
        missing = {name: make() for name, make in GENERATED.items() if not rows.get(name)}
        if missing or not env_file.exists():
            _append(env_file, missing)
        env_file.chmod(0o600)
    return rows | missing


def read(env_file: Path) -> dict[str, str]:
    """The rows of an env file that have a value; nothing is interpolated."""
    return {name: value for name, value in dotenv_values(env_file, interpolate=False).items() if value}


def _append(env_file: Path, rows: dict[str, str]) -> None:
    before = env_file.read_text() if env_file.exists() else f"{HEADING}\n"
    lines = [f"{name}='{value}'" for name, value in rows.items()]
    text = "\n".join([before.rstrip("\n"), *lines, ""])
    write_private(env_file, text)


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 600 in one step, so that no reader sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def airflow_users() -> str:
    """Airflow's `[core] simple_auth_manager_users`."""
    return ",".join(f"{user}:{role}" for user, (role, _) in AIRFLOW_USERS.items())


def write_airflow_passwords(path: Path, rows: dict[str, str]) -> None:
    """Write the file that `[core] simple_auth_manager_passwords_file` names: a JSON object of user and password."""
    write_private(path, json.dumps({user: rows[secret] for user, (_, secret) in AIRFLOW_USERS.items()}) + "\n")
