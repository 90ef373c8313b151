"""The parts of the stack: how each is run, what must be there before, and when it is ready."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tradewind_local import os_user, readiness
from tradewind_local.env_file import write_private
from tradewind_local.layout import Layout, process_environment
from tradewind_local.postgres import accepts
from tradewind_local.runner import Program
from tradewind_local.settings import port_variable
from tradewind_local.topics import answers

SPECS = "parts"
AIRFLOW_PARTS = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
ALL = ("postgres", "kafka", *AIRFLOW_PARTS, "agents", "api")
"""Every part of the product, in an order in which they could be started."""

MONITORING = (
    "statsd-exporter",
    "kafka-exporter",
    "node-exporter",
    "blackbox-exporter",
    "alertmanager",
    "prometheus",
)
"""The parts that watch the others; they need nobody."""

NEEDS: dict[str, tuple[str, ...]] = {
    "airflow-api-server": ("postgres",),
    "airflow-scheduler": ("airflow-api-server",),
    "airflow-dag-processor": ("airflow-api-server",),
    "airflow-triggerer": ("airflow-api-server",),
    "agents": ("postgres", "kafka"),
    "api": ("kafka",),
}
"""The parts that come along with a part."""


@dataclass(frozen=True)
class Port:
    """A port that a part listens on, and the variable that sets it."""

    number: int
    variable: str


@dataclass(frozen=True)
class Part:
    """One part. `prepare` makes what it needs and gives its command; `is_ready` gets the time of its start."""

    name: str
    prepare: Callable[[], list[str]]
    environment: dict[str, str]
    folder: Path
    log: Path
    is_ready: Callable[[float], bool]
    after: tuple[str, ...] = ()
    port: Port | None = None
    url: str = ""
    stop_signal: str = "TERM"
    as_server_user: bool = False
    spec: Path = field(default=Path(), repr=False)

    @property
    def program(self) -> Program:
        """What the process runner knows of it."""
        return Program(self.name, self.spec, self.log, self.stop_signal)

    def write_spec(self) -> None:
        """Prepare the part, and write what `launch` needs to become it."""
        command = self.prepare()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        user, group, _ = os_user.server_identity() if self.as_server_user else os_user.Identity()
        spec = {
            "command": command,
            "environment": self.environment,
            "folder": str(self.folder),
            "user": user,
            "group": group,
        }
        self.spec.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(self.spec, json.dumps(spec, indent=2) + "\n")


def with_needs(names: tuple[str, ...]) -> list[str]:
    """`names` and all that they need, in starting order. Raises ValueError for a name that is no part's."""
    every = ALL + MONITORING
    unknown = set(names) - set(every)
    if unknown:
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}; the parts are {', '.join(every)}")
    wanted, stack = set[str](), list(names)
    while stack:
        name = stack.pop()
        wanted.add(name)
        stack += NEEDS.get(name, ())
    return [name for name in every if name in wanted]


def build(layout: Layout) -> dict[str, Part]:
    """Every part of the stack, by name; without `kafka` when a broker runs already."""
    parts = [_postgres(layout), *_airflow(layout), _agents(layout), _api(layout)]
    if not layout.settings.kafka_bootstrap_servers:
        parts.append(_kafka(layout))
    return {part.name: part for part in sorted(parts, key=lambda part: ALL.index(part.name))}


def spec_of(layout: Layout, name: str) -> Path:
    """The file that tells `launch` how to become a part."""
    return layout.settings.home / SPECS / f"{name}.json"


def _postgres(layout: Layout) -> Part:
    node = layout.postgres
    return Part(
        name="postgres",
        prepare=node.prepare,
        environment=process_environment(),
        folder=node.data,
        log=node.log_file,
        is_ready=lambda _: accepts(node),
        url=f"socket in {node.socket_folder}",
        # "Fast": connections are ended. TERM would wait for every client to leave.
        stop_signal="INT",
        as_server_user=True,
        spec=spec_of(layout, "postgres"),
    )


def _kafka(layout: Layout) -> Part:
    node = layout.kafka
    return Part(
        name="kafka",
        prepare=node.prepare,
        environment=process_environment(),
        folder=node.data,
        log=node.log_file.with_suffix(".out"),
        is_ready=lambda _: answers(node.bootstrap_servers),
        port=Port(node.port, port_variable("kafka")),
        url=node.bootstrap_servers,
        spec=spec_of(layout, "kafka"),
    )


def _airflow(layout: Layout) -> list[Part]:
    return [_airflow_part(layout, name) for name in AIRFLOW_PARTS]


def _airflow_part(layout: Layout, name: str) -> Part:
    config, command = layout.airflow, name.removeprefix("airflow-")
    serves = command == "api-server"
    # Logs are on this disk, where the API server reads them: no log servers.
    options = ["--skip-serve-logs"] if command in {"scheduler", "triggerer"} else []
    health = readiness.AirflowHealth(config.base_url, command)
    return Part(
        name=name,
        prepare=lambda: [sys.executable, "-m", "airflow", command, *options],
        environment=process_environment() | layout.airflow_environment(),
        folder=layout.settings.home / "run",
        log=layout.settings.logs / f"{name}.log",
        is_ready=health.is_ready,
        after=("airflow schema",),
        port=Port(config.port, port_variable(name)) if serves else None,
        url=config.base_url if serves else "",
        spec=spec_of(layout, name),
    )


def _agents(layout: Layout) -> Part:
    return _service(layout, "agents", "tradewind_agents", layout.agents_environment(), ("databases", "topics"))


def _api(layout: Layout) -> Part:
    return _service(layout, "api", "tradewind_api", layout.api_environment(), ("topics",))


def _service(layout: Layout, name: str, package: str, environment: dict[str, str], after: tuple[str, ...]) -> Part:
    port, url = layout.ports[name], layout.url(name)
    return Part(
        name=name,
        prepare=lambda: [sys.executable, "-m", package],
        environment=process_environment() | environment,
        folder=layout.settings.home / "run",
        log=layout.settings.logs / f"{name}.log",
        is_ready=lambda _: readiness.answers_ok(f"{url}/readyz"),
        after=after,
        port=Port(port, port_variable(name)),
        url=url,
        spec=spec_of(layout, name),
    )
