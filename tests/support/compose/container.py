"""One container of the suite's project."""

import json
import time
from dataclasses import dataclass
from typing import Any

from support.compose.engine import Engine


@dataclass(frozen=True)
class Container:
    """One container, looked at anew at each question."""

    engine: Engine
    id: str

    def inspect(self) -> dict[str, Any]:
        """All that the engine says about it."""
        (found,) = json.loads(self.engine.docker("container", "inspect", self.id))
        return dict(found)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.inspect()["Name"]).lstrip("/")

    @property
    def service(self) -> str:
        """The service that it is of."""
        return str(self.inspect()["Config"]["Labels"]["com.docker.compose.service"])

    @property
    def state(self) -> str:
        """`healthy`, `starting`, `unhealthy` of what runs with a check; else the engine's word and the exit code."""
        state = self.inspect()["State"]
        if state["Running"] and "Health" in state:
            return str(state["Health"]["Status"])
        return f"{state['Status']} {state['ExitCode']}"

    @property
    def is_well(self) -> bool:
        """Whether it is healthy, or a job that ended well."""
        return self.state in ("healthy", "exited 0")

    @property
    def pid(self) -> int:
        """The host's id of its first process; 0 when it does not run."""
        return int(self.inspect()["State"]["Pid"])

    def logs(self, lines: int | None = None) -> str:
        """What it wrote, both streams."""
        tail = ["--tail", str(lines)] if lines else []
        done = self.engine.run(["docker", "logs", *tail, self.id])
        return done.stdout + done.stderr

    def run(self, *command: str, timeout: float = 120) -> str:
        """What a command in it prints. Raises EngineError when it fails."""
        return self.engine.docker("exec", self.id, *command, timeout=timeout)

    def wait(self, seconds: float) -> float:
        """Until it is healthy: the seconds that it took. Fails after `seconds` with its last lines."""
        since = time.monotonic()
        while self.state != "healthy":
            waited = time.monotonic() - since
            assert waited < seconds, f"{self.name} is {self.state} after {seconds:.0f} s\n{self.logs(40)}"
            time.sleep(0.5)
        return time.monotonic() - since
