"""Airflow servers that are set up in another way: their auth manager, address, database or number of processes."""

import json
import os
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from support.airflow_server import AirflowServer

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"


class VariedServer(AirflowServer):
    """A server with `settings` of its own (`SECTION__KEY`), reached under `path`."""

    def __init__(self, home: Path, database_url: str, settings: Mapping[str, str], path: str = "") -> None:
        super().__init__(home, database_url, home / "dags")
        self._settings = settings
        self._path = path

    def start(self, timeout: float = 180) -> Self:
        """Serve until `stop` or `kill`. Several processes take longer to come up than one."""
        return super().start(timeout)

    @property
    def url(self) -> str:
        """Where the server listens, with the path that it is told to be under."""
        return f"{super().url}{self._path}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of this Airflow's processes."""
        settings = {"API__BASE_URL": self.url, **self._settings} if self._path else self._settings
        return super().env | {f"AIRFLOW__{name}": value for name, value in settings.items()}


class SqliteServer(VariedServer):
    """A server on a SQLite file."""

    def __init__(self, home: Path) -> None:
        self._file = home / "airflow.db"
        names = {"SQL_ALCHEMY_CONN": "sqlite", "SQL_ALCHEMY_CONN_ASYNC": "sqlite+aiosqlite"}
        urls = {f"DATABASE__{name}": f"{scheme}:///{self._file}" for name, scheme in names.items()}
        super().__init__(home, f"sqlite:///{self._file}", urls)

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database answers; the statement is committed."""
        with closing(sqlite3.connect(self._file, timeout=30)) as database, database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query.replace("%s", "?"), values)]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep the file to oneself for writing, as a long transaction does."""
        with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")


_REFUSE = """
import builtins

original = builtins.__import__


def refuses(importer, name, names):
    {rule}


def refusing(name, globals=None, locals=None, fromlist=(), level=0):
    importer = (globals or {{}}).get("__name__", "")
    if importer.startswith("tradewind_airflow.") and refuses(importer, name, fromlist or ()):
        raise ImportError({message!r})
    return original(name, globals, locals, fromlist, level)


builtins.__import__ = refusing
"""


class RefusingServer(VariedServer):
    """A server in which imports of our modules fail: those for which `rule` returns true.

    `rule` is the body of a function of the importing module, the imported one and the names taken from it.
    """

    def __init__(self, home: Path, database_url: str, rule: str, message: str) -> None:
        super().__init__(home, database_url, {})
        hooks = home / "hooks"
        hooks.mkdir()
        # Python imports a module of this name as it starts.
        (hooks / "sitecustomize.py").write_text(_REFUSE.format(rule=rule, message=message))

    @property
    def env(self) -> dict[str, str]:
        """The environment of this Airflow's processes."""
        paths = [str(self.home / "hooks"), os.environ.get("PYTHONPATH", "")]
        return super().env | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


FAB_ROLES: dict[str, list[tuple[str, str]]] = {
    "Nothing": [],
    "OneDag": [
        ("can_read", "DAG Runs"),
        ("can_create", "DAG Runs"),
        ("can_edit", "DAG Runs"),
        ("can_read", "DAG:test_free"),
        ("can_edit", "DAG:test_free"),
    ],
    "ReadsOneDag": [("can_read", "DAG Runs"), ("can_create", "DAG Runs"), ("can_read", "DAG:test_free")],
}
"""Role -> what it may, in FAB's words; Admin, Op, User and Viewer are FAB's own."""

FAB_USERS = {
    "admin": "Admin",
    "ingest": "User",
    "facade": "Viewer",
    "desk": "OneDag",
    "auditor": "ReadsOneDag",
    "stranger": "Nothing",
}

_ADD_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

roles, users = json.load(sys.stdin)
with get_application_builder() as builder:
    manager = builder.sm
    for name, permissions in roles.items():
        role = manager.add_role(name)
        for action, resource in permissions:
            manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for name, (role, password) in users.items():
        assert manager.add_user(name, name, name, f"{name}@example.org", manager.find_role(role), password)
"""


class FabServer(VariedServer):
    """A server with FAB's users, once `add_users` was called."""

    def __init__(self, home: Path, database_url: str) -> None:
        super().__init__(home, database_url, {"CORE__AUTH_MANAGER": FAB})
        self.passwords |= {name: secrets.token_urlsafe(12) for name in FAB_USERS if name not in self.passwords}

    def add_users(self) -> None:
        """Make FAB_ROLES and FAB_USERS."""
        users = {name: (role, self.passwords[name]) for name, role in FAB_USERS.items()}
        given = json.dumps([FAB_ROLES, users])
        command = [sys.executable, "-c", _ADD_USERS]
        done = subprocess.run(command, env=self.env, input=given, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
