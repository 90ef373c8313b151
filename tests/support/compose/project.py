"""A Compose project of docker-compose.yml that is this suite's own: its name, its .env, its ports, its volumes."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dotenv import dotenv_values

from support.compose.container import Container
from support.compose.engine import Engine, EngineError
from tradewind_local import env_file
from tradewind_local.ports import can_bind, free_port
from tradewind_local.repository import ROOT

FILE = ROOT / "docker-compose.yml"
ONE_SHOTS = ("postgres-init", "kafka-init", "airflow-init")
PORTS = (
    "FASTAPI_PORT",
    "LANGGRAPH_PORT",
    "TRADEWIND_AIRFLOW_PORT",
    "TRADEWIND_KAFKA_PORT",
    "TRADEWIND_PROMETHEUS_PORT",
    "TRADEWIND_ALERTMANAGER_PORT",
    "GRAFANA_PORT",
)
SCALED = ("FASTAPI_PORT", "LANGGRAPH_PORT")
VERSION = "0.1.0-test"
"""The tag of the suite's images, which takes nobody else's away."""
UP_SECONDS = 900


@dataclass
class Project:
    """The project without the services whose image is one of `left_out`.

    `ready` has, for each service, the seconds from `up` to healthy (or, of a job, to its good end).
    """

    engine: Engine
    name: str
    env: Path
    left_out: frozenset[str] = frozenset()
    ready: dict[str, float] = field(default_factory=dict)

    @property
    def rows(self) -> dict[str, str]:
        """The project's .env."""
        return {name: value for name, value in dotenv_values(self.env, interpolate=False).items() if value}

    def compose(self, *arguments: str, timeout: float = UP_SECONDS, check: bool = True) -> str:
        """What `docker compose …` prints for this project. Raises EngineError when it fails."""
        return self.engine.run(self.command(*arguments), timeout, check, ROOT).stdout

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        where = ["--project-directory", str(ROOT), "--file", str(FILE), "--env-file", str(self.env)]
        return ["docker", "compose", *where, "--project-name", self.name, *arguments]

    def configuration(self) -> dict[str, Any]:
        """The file as Compose reads it, with .env's profiles."""
        read: dict[str, Any] = json.loads(self.compose("config", "--format", "json"))
        return read

    def services(self) -> list[str]:
        """What the suite starts: all of .env's profiles but what is left out."""
        services = self.configuration()["services"]
        return [name for name, service in services.items() if service["image"] not in self.left_out]

    def long_running(self) -> list[str]:
        """The services that stay."""
        return [name for name in self.services() if name not in ONE_SHOTS]

    def up(self, *options: str) -> float:
        """`up --wait`: the seconds that it took. Raises EngineError with the logs of what is not as it should be."""
        since = time.monotonic()
        watcher = _Watcher(self)
        try:
            self.compose("up", "--detach", "--no-build", "--wait", *options, *self.services())
        except EngineError as error:
            raise EngineError(f"{error}\n{self.sick()}") from None
        finally:
            self.ready = watcher.stop()
        return time.monotonic() - since

    def down(self, *options: str) -> None:
        """Stop and remove the containers; with `--volumes` the data too."""
        self.compose("down", "--remove-orphans", *options)

    def containers(self, service: str | None = None) -> list[Container]:
        """The containers there are, of one service or of all."""
        filters = [f"label=com.docker.compose.project={self.name}"]
        filters += [f"label=com.docker.compose.service={service}"] if service else []
        options = [part for each in filters for part in ("--filter", each)]
        ids = self.engine.docker("ps", "--all", "--quiet", "--no-trunc", *options).split()
        return sorted((Container(self.engine, id_) for id_ in ids), key=lambda one: one.name)

    def container(self, service: str) -> Container:
        """The one container of a service."""
        (found,) = self.containers(service)
        return found

    def sick(self) -> str:
        """The state and the last log lines of each container that is neither healthy nor well ended."""
        return "\n".join(f"--- {one.name}: {one.state}\n{one.logs(30)}" for one in self.containers() if not one.is_well)

    def address(self, service: str, port: int) -> str:
        """Where a port of a service is published, `host:port`; of several replicas, the first's."""
        return self.compose("port", service, str(port)).strip()

    def images(self) -> set[str]:
        """The tags of the images of what is started."""
        services = self.configuration()["services"]
        return {services[name]["image"] for name in self.services()}


class _Watcher:
    """Looks at the project's containers until it is stopped, and notes when each was first well."""

    def __init__(self, project: Project) -> None:
        self._project, self._since = project, time.monotonic()
        self._ready: dict[str, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """The seconds of each service."""
        self._stopped.set()
        self._thread.join()
        self._look()
        return self._ready

    def _watch(self) -> None:
        while not self._stopped.wait(0.5):
            self._look()

    def _look(self) -> None:
        columns = '{{.Label "com.docker.compose.service"}}\t{{.Status}}'
        of_project = f"label=com.docker.compose.project={self._project.name}"
        for line in self._project.engine.docker("ps", "-a", "--filter", of_project, "--format", columns).splitlines():
            service, status = line.split("\t")
            if "(healthy)" in status or status.startswith("Exited (0)"):
                self._ready.setdefault(service, time.monotonic() - self._since)


def project(engine: Engine, folder: Path, left_out: frozenset[str]) -> Iterator[Project]:
    """A project with fresh secrets on free ports, that is gone with its volumes afterwards."""
    name = f"tradewind-test-{secrets.token_hex(3)}"
    made = Project(engine, name, write_env(folder / ".env"), left_out)
    try:
        yield made
    finally:
        made.down("--volumes", "--timeout", "10")


def write_env(path: Path, **further: str) -> Path:
    """An .env as `make env` writes it, with free ports and an alert receiver that is nowhere, but secret."""
    hook = f"http://127.0.0.1:9/{secrets.token_urlsafe(32)}"
    rows = {name: str(free_port()) for name in PORTS}
    rows |= {name: _port_range() for name in SCALED}
    rows |= {"ALERTMANAGER_WEBHOOK_URL": hook, "ALERTMANAGER_WATCHDOG_URL": f"{hook}-watchdog"}
    rows |= {"TRADEWIND_VERSION": VERSION, **further}
    path.write_text("".join(f"{name}={value}\n" for name, value in rows.items()))
    env_file.complete(path, env_file.FOR_COMPOSE)
    return path


def _port_range(length: int = 3) -> str:
    while True:
        first = free_port()
        if all(can_bind(first + further) for further in range(1, length)):
            return f"{first}-{first + length - 1}"
