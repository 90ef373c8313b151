"""The parts that `make up MONITORING=1` adds to the stack: how each is run, and when it is ready."""

import sys
from collections.abc import Callable
from pathlib import Path

from tradewind_local import readiness, repository
from tradewind_local.env_file import write_private
from tradewind_local.errors import BuildError, ChecksumError, LocalError
from tradewind_local.layout import Layout, process_environment
from tradewind_local.monitoring import receivers, rendering, tools
from tradewind_local.parts import Part, Port, spec_of
from tradewind_local.ports import LOOPBACK
from tradewind_local.settings import port_variable

MAPPING = repository.ROOT / "statsd-exporter" / "mapping.yml"
BLACKBOX = rendering.FOLDER / "blackbox" / "blackbox.yml"

PROGRAMS = {
    "statsd-exporter": "statsd_exporter",
    "node-exporter": "node_exporter",
    "blackbox-exporter": "blackbox_exporter",
    "alertmanager": "alertmanager",
    "prometheus": "prometheus",
}
"""The parts that are Go programs."""


def build_programs(tools_dir: Path, report: Callable[[str, float], None]) -> dict[str, LocalError]:
    """Build the programs that are missing; gives the parts whose program could not be had, and why."""
    missing: dict[str, LocalError] = {}
    for part, program in PROGRAMS.items():
        try:
            tools.ensure([program], tools_dir, report)
        except (BuildError, ChecksumError) as error:
            missing[part] = error
    return missing


def build(layout: Layout) -> dict[str, Part]:
    """Every part of the monitoring, by name."""
    parts = _Parts(layout)
    found = [
        parts.statsd_exporter(),
        parts.kafka_exporter(),
        parts.node_exporter(),
        parts.blackbox_exporter(),
        parts.alertmanager(),
        parts.prometheus(),
    ]
    return {part.name: part for part in found}


class _Parts:
    def __init__(self, layout: Layout) -> None:
        self._layout, self._settings = layout, layout.settings
        self._home = layout.settings.home / "monitoring"

    def statsd_exporter(self) -> Part:
        # One style of tags: a line that looks like another style would be read as that.
        options = [
            f"--statsd.mapping-config={MAPPING}",
            f"--statsd.listen-udp={LOOPBACK}:{self._layout.ports['statsd']}",
            "--statsd.listen-tcp=",
            *(f"--no-statsd.parse-{style}-tags" for style in ("dogstatsd", "librato", "signalfx")),
        ]
        return self._program("statsd-exporter", lambda: options, "/-/ready")

    def kafka_exporter(self) -> Part:
        servers, port = self._layout.bootstrap_servers, self._layout.ports["kafka-exporter"]
        command = [sys.executable, "-m", "tradewind_local.monitoring.kafka_exporter"]
        command += ["--bootstrap-servers", servers, "--port", str(port)]
        return self._part("kafka-exporter", lambda: command, "/metrics")

    def node_exporter(self) -> Part:
        return self._program("node-exporter", list, "/")

    def blackbox_exporter(self) -> Part:
        return self._program("blackbox-exporter", lambda: [f"--config.file={BLACKBOX}"], "/-/healthy")

    def alertmanager(self) -> Part:
        def options() -> list[str]:
            config = receivers.render(self._home / "receivers", self._layout.secrets)
            data = self._home / "alertmanager"
            # No cluster: it would listen for peers on every interface.
            return [f"--config.file={config}", f"--storage.path={data}", "--cluster.listen-address="]

        return self._program("alertmanager", options, "/-/ready")

    def prometheus(self) -> Part:
        def options() -> list[str]:
            absent = [
                part for part, name in PROGRAMS.items() if not tools.path(name, self._settings.tools_dir).exists()
            ]
            config = self._home / "prometheus.yml"
            config.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(config, rendering.prometheus(self._addresses(), absent))
            data = self._home / "prometheus"
            return [f"--config.file={config}", f"--storage.tsdb.path={data}", "--enable-feature=exemplar-storage"]

        return self._program("prometheus", options, "/-/ready")

    def _addresses(self) -> dict[str, str]:
        return {part: f"{LOOPBACK}:{port}" for part, port in self._layout.ports.items()}

    def _program(self, name: str, options: Callable[[], list[str]], ready: str) -> Part:
        def command() -> list[str]:
            program = PROGRAMS[name]
            path = tools.ensure([program], self._settings.tools_dir)[program]
            listen = f"--web.listen-address={LOOPBACK}:{self._layout.ports[name]}"
            return [str(path), listen, "--log.level=warn", *options()]

        return self._part(name, command, ready)

    def _part(self, name: str, prepare: Callable[[], list[str]], ready: str) -> Part:
        url = self._layout.url(name)
        return Part(
            name=name,
            prepare=prepare,
            environment=process_environment() | self._layout.monitoring_environment(),
            folder=self._settings.home / "run",
            log=self._settings.logs / f"{name}.log",
            is_ready=lambda _: readiness.answers_ok(f"{url}{ready}"),
            port=Port(self._layout.ports[name], port_variable(name)),
            url=url,
            spec=spec_of(self._layout, name),
        )
