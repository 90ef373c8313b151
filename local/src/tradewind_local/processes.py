"""The stack's processes as the system sees them."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tradewind_local.runner import ProcessState

SECONDS_TO_WRITE_ITS_PID = 10


@dataclass(frozen=True)
class PartStatus:
    """A row of `status`; uptime in seconds, memory (resident, of the process and its descendants) in bytes."""

    part: str
    state: str
    pid: int | None
    uptime: float
    memory: int
    url: str


def status(part: str, url: str, state: ProcessState) -> PartStatus:
    """The row of one part."""
    uptime = time.time() - state.started if state.pid else 0
    return PartStatus(part, state.state.lower(), state.pid, uptime, memory_of(state.pid) if state.pid else 0, url)


def tree(pid: int) -> list[psutil.Process]:
    """A process and all its descendants; empty when it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_of(pid: int) -> int:
    """Bytes of memory of a process tree: what is shared within it (Postgres' buffers, forks) is counted once."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            total += _memory(process)
    return total


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except (psutil.AccessDenied, AttributeError):
        return int(process.memory_info().rss)


def kill_tree(pid: int) -> None:
    """SIGKILL a process and all its descendants, the root first, and wait for their end."""
    processes = tree(pid)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _wait(processes, timeout=10)


def end_orphans(specs: Path, timeout: float = 15) -> None:
    """End the parts, started from the folder `specs`, that outlived their process runner."""
    orphans = [process for pid_file in specs.glob("*.pid") for process in _started_by(pid_file)]
    for process in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in _wait(orphans, timeout):
        kill_tree(process.pid)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected by its parent yet does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _wait(processes: list[psutil.Process], timeout: float) -> list[psutil.Process]:
    """Those that still run after `timeout` seconds. Not psutil's own, to which the uncollected dead are alive."""
    deadline = time.monotonic() + timeout
    while (alive := [p for p in processes if p.is_running() and is_alive(p.pid)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _started_by(pid_file: Path) -> list[psutil.Process]:
    """The process that wrote `pid_file`, as its first act, and its descendants; none when the number is reused."""
    processes = tree(int(pid_file.read_text()))
    own = processes and abs(processes[0].create_time() - pid_file.stat().st_mtime) < SECONDS_TO_WRITE_ITS_PID
    return processes if own else []
