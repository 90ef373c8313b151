"""The process runner: a supervisord of its own for each stack, with a Unix socket that only its owner can open."""

import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import Faults, SupervisorTransport

from tradewind_local import launch
from tradewind_local.env_file import write_private
from tradewind_local.errors import LocalError, PartError
from tradewind_local.sockets import remove_socket_folder, socket_folder

UP_STATES = {"STARTING", "RUNNING", "BACKOFF", "EXITED"}
"""A part that died by itself is `EXITED` until the runner has started it again."""

# To supervisord these begin an expansion or a comment.
SIGNS_WITH_A_MEANING = "%;#"
RUNNER = """\
[supervisord]
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
pidfile={home}/supervisord.pid
directory={home}
umask=077
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
# startsecs=0: a part that dies is started again for ever, at the pace of the runner's loop (1 s), without a delay.
PROGRAM = """
[program:{name}]
command={command}
autostart=false
autorestart=true
startsecs=0
stopsignal={stop_signal}
stopwaitsecs=20
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True)
class Program:
    """What the runner has to know of a part; all else is in its spec file."""

    name: str
    spec: Path
    log: Path
    stop_signal: str = "TERM"


@dataclass(frozen=True)
class ProcessState:
    """What the runner says of a part: its state's name, its process and when that was started (seconds since 1970)."""

    state: str
    pid: int | None
    started: float

    @property
    def up(self) -> bool:
        """Whether the runner keeps it running."""
        return self.state in UP_STATES


DOWN = ProcessState("STOPPED", None, 0)


class Runner:
    """One supervisord for the stack in `home`."""

    def __init__(self, home: Path, logs: Path) -> None:
        self._home, self._logs = home, logs
        self.config_file = home / "supervisord.conf"

    @property
    def _socket(self) -> Path:
        return socket_folder(self._home / "run") / "supervisor.sock"

    def start(self, programs: Iterable[Program], timeout: float = 10) -> None:
        """Run supervisord unless it runs; no program is started yet. Raises PartError when it does not answer."""
        if self.answers():
            return
        self._socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = config_text(self._home, self._logs, self._socket, programs)
        write_private(self.config_file, text)
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config_file)]
        done = subprocess.run(command, cwd=self._home, capture_output=True, text=True, check=False)  # noqa: S603 our own
        deadline = time.monotonic() + timeout
        while not self.answers():
            if done.returncode or time.monotonic() > deadline:
                raise PartError.with_log("the process runner", f"did not start {done.stderr}", self._log)
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether supervisord runs."""
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def state(self, name: str) -> ProcessState:
        """What a part does now."""
        try:
            info = self._call("getProcessInfo", name)
        except (OSError, xmlrpc.client.Fault):
            return DOWN
        return ProcessState(str(info["statename"]), int(info["pid"]) or None, float(info["start"]))

    def start_program(self, name: str) -> None:
        """Start a part that does not run."""
        if not self.state(name).up:
            self._call("startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Stop a part and wait for its end; it stays down."""
        while self.state(name).up:
            try:
                self._call("stopProcess", name, True)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.NOT_RUNNING:
                    raise
                # It died just now, and can be stopped only when it was started again.
                time.sleep(0.05)

    def shut_down(self, timeout: float = 60) -> None:
        """End supervisord, and with it every part that still runs."""
        self._call("shutdown")
        deadline = time.monotonic() + timeout
        while self._socket.exists():
            if time.monotonic() > deadline:
                raise LocalError(f"the process runner did not end within {timeout:.0f} s; see {self._log}")
            time.sleep(0.05)
        remove_socket_folder(self._socket.parent)

    @property
    def _log(self) -> Path:
        return self._logs / "supervisord.log"

    def _call(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)


def config_text(home: Path, logs: Path, socket: Path, programs: Iterable[Program]) -> str:
    """supervisord's configuration. Raises LocalError for a folder whose name it would not take as it is."""
    if strange := [sign for sign in SIGNS_WITH_A_MEANING if sign in f"{home}{sys.executable}"]:
        raise LocalError(
            f"supervisord cannot work in {home}: its path, or Python's, has {' and '.join(strange)}. Move it."
        )
    # supervisord warns when it runs as root and was not configured to.
    user = "user=root\n" if os.geteuid() == 0 else ""
    text = RUNNER.format(home=home, logs=logs, socket=socket, user=user)
    for program in programs:
        command = shlex.join([sys.executable, "-I", launch.__file__, str(program.spec)])
        text += PROGRAM.format(name=program.name, command=command, log=program.log, stop_signal=program.stop_signal)
    return text
