"""A real Airflow API server with our plugin, as a process of its own, on a database of the shared Postgres.

Tests talk to it by HTTP and look into its database; they never import Airflow's models, which bind to one database for
the life of a process.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import psycopg
from psycopg.rows import dict_row

from support.airflow_home import DB_MANAGER
from tradewind_local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "airflow" / "plugins"
TEST_DAGS = ROOT / "tests" / "data" / "plugin_dags"

USERS = {"admin": "admin", "facade": "viewer", "ingest": "user", "stranger": ""}
"""Name -> role of SimpleAuthManager; `stranger` may log in and nothing else."""

AIRFLOW = Path(sys.executable).with_name("airflow")


class AirflowServer:
    """Migrates a database, parses DAGs into it and serves them. `database_url` is libpq's form."""

    def __init__(self, home: Path, database_url: str, dags: Path) -> None:
        self.home = home
        self.database_url = database_url
        self.port = free_port()
        self.passwords = {user: secrets.token_urlsafe(12) for user in USERS}
        self.dags = dags
        self._tokens: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        (home / "passwords.json").write_text(json.dumps(self.passwords))

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """The environment of this Airflow's processes."""
        sections = {
            "CORE__DAGS_FOLDER": str(self.dags),
            "CORE__PLUGINS_FOLDER": str(PLUGINS),
            "CORE__LOAD_EXAMPLES": "false",
            "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
            "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "CORE__FERNET_KEY": "",
            "CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "DATABASE__SQL_ALCHEMY_CONN": self.database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
            "DATABASE__SQL_ALCHEMY_CONN_ASYNC": self.database_url.replace("postgresql://", "postgresql+psycopg://", 1),
            "DATABASE__EXTERNAL_DB_MANAGERS": DB_MANAGER,
            "API__PORT": str(self.port),
            "API__HOST": "127.0.0.1",
            "API__SECRET_KEY": self.passwords["admin"] * 4,
            "API_AUTH__JWT_SECRET": self.passwords["ingest"] * 4,
        }
        settings = {f"AIRFLOW__{name}": value for name, value in sections.items()}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        return {**kept, **settings, "AIRFLOW_HOME": str(self.home), "PYTHONWARNINGS": "ignore"}

    def run(self, *arguments: str) -> None:
        """Run one of Airflow's commands to its end; raise AssertionError with its output.

        Not measured for coverage: the command is a test's preparation, and would take a third longer.
        """
        command = [str(AIRFLOW), *arguments]
        env = {name: value for name, value in self.env.items() if not name.startswith("COVERAGE")}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            done.stderr += done.stdout
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")

    def start(self, timeout: float = 60) -> Self:
        """Serve until `stop` or `kill`."""
        with (self.home / "api-server.log").open("ab") as output:
            command = [str(AIRFLOW), "api-server", "--port", str(self.port), "--host", "127.0.0.1"]
            self._process = subprocess.Popen(
                command, env=self.env, stdout=output, stderr=output, start_new_session=True
            )
        deadline = time.monotonic() + timeout
        while not self._answers():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)
        return self

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/version", timeout=2).is_success
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """The id of the server's process."""
        assert self._process, "it was never started"
        return self._process.pid

    def log(self) -> str:
        """The end of the server's own log."""
        return (self.home / "api-server.log").read_text()[-6000:]

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self._end(9)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(15)

    def _end(self, number: int) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, number)
            # On a busy machine an API server takes its time to go.
            self._process.wait(120)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.kill()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def token(self, user: str) -> str:
        """A JWT of `user`, as Airflow hands it out."""
        if user not in self._tokens:
            body = {"username": user, "password": self.passwords[user]}
            answer = httpx.post(f"{self.url}/auth/token", json=body)
            assert answer.status_code == 201, answer.text
            self._tokens[user] = str(answer.json()["access_token"])
        return self._tokens[user]

    def client(self, user: str | None = "ingest") -> httpx.Client:
        """A client for the plugin's paths, as `user` or as nobody."""
        headers = {"authorization": f"Bearer {self.token(user)}"} if user else {}
        return httpx.Client(base_url=f"{self.url}/tradewind", headers=headers, timeout=60)

    def connection(self, user: str = "ingest") -> str:
        """An Airflow connection to this server, as its environment variable's JSON."""
        return json.dumps(
            {
                "conn_type": "http",
                "host": f"http://{urlsplit(self.url).hostname}",
                "port": self.port,
                "login": user,
                "password": self.passwords[user],
            }
        )

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """What the database answers; the statement is committed."""
        with psycopg.connect(self.database_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def runs(self, run_id: str) -> list[dict[str, Any]]:
        """The rows of a run id in `dag_run`."""
        return self.rows("SELECT * FROM dag_run WHERE run_id = %s", run_id)
