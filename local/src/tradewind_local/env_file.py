"""`python -m tradewind_local.env_file`: write the secrets that `.env` lacks.

On the standard library of Python 3.9 or newer alone: a machine that runs the containers has no more than that.
"""

import argparse
import base64
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from tradewind_local.locks import exclusive

HEADING = "# Made by tradewind_local on first use. Keep it private: it gives full access to this stack."
# A value that is only quotes or a comment counts as missing.
_ROW = re.compile(
    r"""^\s*(?:export\s+)?(?P<name>[A-Za-z_]\w*)\s*=[ \t]*(?P<none>(?:''|"")?[ \t]*(?:#.*)?$)?""", re.MULTILINE
)


def _token() -> str:
    return secrets.token_urlsafe(32)


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _jwt_secret() -> str:
    # HS512, which Airflow signs with, wants a key of 64 bytes.
    return secrets.token_urlsafe(64)


def _api_tokens() -> str:
    return json.dumps({"demo": _token()})


GENERATED: Mapping[str, Callable[[], str]] = {
    "API_TOKENS": _api_tokens,
    "LANGGRAPH_TOKEN": _token,
    "AIRFLOW_ADMIN_PASSWORD": _token,
    "AIRFLOW_PASSWORD": _token,
    "AIRFLOW_INGEST_PASSWORD": _token,
    "POSTGRES_PASSWORD": _token,
    "AIRFLOW_DATABASE_PASSWORD": _token,
    "LANGGRAPH_DATABASE_PASSWORD": _token,
    "GRAFANA_ADMIN_PASSWORD": _token,
    "AIRFLOW__CORE__FERNET_KEY": _fernet_key,
    "AIRFLOW__API__SECRET_KEY": _token,
    "AIRFLOW__API_AUTH__JWT_SECRET": _jwt_secret,
}
"""Every secret and what generates it, in the order of .env.example."""

OPTIONAL = (
    "KAFKA_CLIENT_CONFIG",
    "ALERTMANAGER_WEBHOOK_URL",
    "ALERTMANAGER_SLACK_WEBHOOK_URL",
    "ALERTMANAGER_PAGERDUTY_ROUTING_KEY",
    "ALERTMANAGER_WATCHDOG_URL",
)
"""Secrets that only their owner knows. Compose wants a row for each, which may be empty."""

FOR_COMPOSE: Mapping[str, str] = {**dict.fromkeys(OPTIONAL, ""), "COMPOSE_PROFILES": "monitoring"}
"""The rows that the containers need besides, and their first values."""


def complete(env_file: Path, further: Mapping[str, str] = {}) -> list[str]:
    """Append the secrets that `env_file` lacks or leaves empty, and the `further` rows that it lacks; give their names.

    Existing rows are never changed; the file's mode is 600 afterwards. Two processes at once generate one set.
    """
    env_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with exclusive(env_file.parent):
        text = env_file.read_text() if env_file.exists() else ""
        rows = {row["name"]: row["none"] is None for row in _ROW.finditer(text)}
        missing = {name: f"'{make()}'" for name, make in GENERATED.items() if not rows.get(name)}
        missing.update({name: value for name, value in further.items() if name not in rows})
        if missing or not env_file.exists():
            lines = [f"{name}={value}" for name, value in missing.items()]
            write_private(env_file, "\n".join([(text or HEADING).rstrip("\n"), *lines, ""]))
        env_file.chmod(0o600)
    return list(missing)


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 600 in one step, so that no reader sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def main() -> None:
    """Complete the file, and say what was done and what comes next."""
    parser = argparse.ArgumentParser("env_file", description="Write the secrets that an env file lacks.")
    parser.add_argument("file", nargs="?", type=Path, default=Path(".env"))
    file = parser.parse_args().file.absolute()
    added = complete(file, FOR_COMPOSE)
    made = [name for name in added if name in GENERATED]
    print(f"{file}: {'new: ' + ', '.join(made) if made else 'no secret was missing'}. No row was changed.")  # noqa: T201
    print("Next: docker compose up --detach --wait, then http://localhost:8080 (user admin; its password is")  # noqa: T201
    print("AIRFLOW_ADMIN_PASSWORD in that file). Each row is explained in .env.example.")  # noqa: T201


if __name__ == "__main__":
    main()
