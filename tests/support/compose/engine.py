"""A Docker engine for the suite: the one that runs, or one of its own that is stopped afterwards."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PACKAGES = ("docker.io", "iptables", "mmdebstrap")
INSTALL = f"apt-get install -y --no-install-recommends {' '.join(PACKAGES)}"


class EngineError(Exception):
    """Docker cannot do what the suite needs; the message says why and what to do."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that answers, by its address; None: what the client takes by itself."""

    host: str | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a command that is to speak with this engine."""
        address = {"DOCKER_HOST": self.host} if self.host else {}
        # The classic builder: a machine with Docker alone has no other.
        return {**os.environ, "DOCKER_BUILDKIT": "0", **address, **self.environment}

    def docker(self, *arguments: str, timeout: float = 120, check: bool = True) -> str:
        """What `docker …` prints. Raises EngineError when it fails and `check` is set."""
        return self.run(["docker", *arguments], timeout, check).stdout

    def run(
        self, command: list[str], timeout: float = 120, check: bool = True, folder: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command that speaks with this engine. Raises EngineError when it fails and `check` is set."""
        done = subprocess.run(
            command, env=self.variables, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode:
            raise EngineError(f"`{' '.join(command)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def answers(self) -> bool:
        """Whether a daemon is behind it."""
        return shutil.which("docker") is not None and self.run(["docker", "info"], check=False).returncode == 0


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """The engine that runs, or an own one whose data lie in `folder`. Raises EngineError when there is neither."""
    found = Engine()
    if found.answers():
        yield found
        return
    _install()
    with _own(folder) as own:
        yield own


def _install() -> None:
    if shutil.which("dockerd"):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        raise EngineError(f"No Docker engine answers. Start one, or on Debian, as root: {INSTALL}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)  # noqa: S607 apt is where the system has it
    subprocess.run(INSTALL.split(), check=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


@contextmanager
def _own(folder: Path, timeout: float = 60) -> Iterator[Engine]:
    folder.mkdir(parents=True, exist_ok=True)
    own = Engine(f"unix://{folder / 'docker.sock'}")
    places = {"data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    command = ["dockerd", "--host", str(own.host), *(f"--{key}={folder / name}" for key, name in places.items())]
    with (folder / "log").open("ab") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(own, daemon, folder / "log", timeout)
        yield own
    finally:
        daemon.terminate()
        daemon.wait(timeout)


def _wait(own: Engine, daemon: subprocess.Popen[bytes], log: Path, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not own.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise EngineError(f"dockerd did not start; its log: {log}")
        time.sleep(0.2)
