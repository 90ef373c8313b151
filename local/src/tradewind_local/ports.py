"""TCP ports on the loopback interface."""

import json
import random
import socket
from pathlib import Path

import psutil

from tradewind_local.errors import PortInUseError

LOOPBACK = "127.0.0.1"
# Below the range that systems give to outgoing connections: a client that keeps knocking on the port of a server that
# is down could otherwise be given that very port, and hold it.
CANDIDATES = range(20_000, 30_000)


def free_port() -> int:
    """A port that nobody listens on now."""
    for port in random.sample(CANDIDATES, len(CANDIDATES)):
        if can_bind(port):
            return port
    raise PortInUseError(f"no port between {CANDIDATES.start} and {CANDIDATES.stop} is free")


def is_listening(port: int, host: str = LOOPBACK) -> bool:
    """Whether something accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(1)
        try:
            return probe.connect_ex((host, port)) == 0
        except OSError:
            return False  # the host's name is not known


def can_bind(port: int) -> bool:
    """Whether a server could listen on `port`; connections that are still closing do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def require_free(port: int, part: str, variable: str) -> None:
    """Raise PortInUseError, which names the port, who has it and the `variable` to set, unless `part` can have it."""
    if not can_bind(port):
        raise PortInUseError(
            f"port {port}, which {part} needs, is in use{_by_whom(port)}. "
            f"Stop that process, or set {variable} to another port (0: a free one is chosen)."
        )


def _by_whom(port: int) -> str:
    try:
        listeners = [c for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
        pids = {c.pid for c in listeners if c.laddr and c.laddr[1] == port and c.pid}
        return "".join(f" by {psutil.Process(pid).name()} (pid {pid})" for pid in sorted(pids))
    except psutil.Error:
        return ""


class PortBook:
    """The ports that a stack chose, kept in a JSON file so that it has the same ones the next time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def port(self, name: str, configured: int = 0) -> int:
        """The port of `name`: the configured one, else the one remembered, else a free one that is remembered now."""
        if configured:
            return configured
        known = self._read()
        if name not in known:
            known[name] = free_port()
            self._write(known)
        return known[name]

    def forget_taken(self) -> None:
        """Forget the ports that another process uses by now. For when the stack is down."""
        self._write({name: port for name, port in self._read().items() if can_bind(port)})

    def _write(self, ports: dict[str, int]) -> None:
        self._path.write_text(json.dumps(ports, indent=2) + "\n")

    def _read(self) -> dict[str, int]:
        return dict(json.loads(self._path.read_text())) if self._path.exists() else {}
