"""Processes: a spec becomes one, a tree ends, orphans are found."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tradewind_local import launch, os_user
from tradewind_local.errors import LocalError, PartError
from tradewind_local.processes import end_orphans, is_alive, kill_tree, memory_of, status, tree
from tradewind_local.runner import DOWN, ProcessState

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
FAMILY = [sys.executable, "-c", f"import subprocess; subprocess.run({SLEEP!r})"]


@pytest.fixture
def family() -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child."""
    process = subprocess.Popen(FAMILY)
    while len(tree(process.pid)) < 2:
        time.sleep(0.01)
    yield process
    kill_tree(process.pid)
    process.wait()


def test_a_killed_tree_leaves_nobody(family: subprocess.Popen[bytes]) -> None:
    pids = [process.pid for process in tree(family.pid)]
    kill_tree(family.pid)
    assert not any(is_alive(pid) for pid in pids)
    assert family.wait() == -9


def test_a_dead_process_that_nobody_collected_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not is_alive(process.pid)
    process.wait()


def test_memory_is_that_of_the_whole_tree(family: subprocess.Popen[bytes]) -> None:
    child = tree(family.pid)[1].pid
    assert memory_of(family.pid) > memory_of(child) > 1024 * 1024


def test_a_row_of_status() -> None:
    row = status("kafka", "127.0.0.1:1", ProcessState("RUNNING", os.getpid(), time.time() - 5))
    assert (row.part, row.state, row.pid) == ("kafka", "running", os.getpid())
    assert 4 < row.uptime < 60
    assert row.memory > 1024 * 1024
    assert status("kafka", "", DOWN).memory == 0


def test_a_part_that_outlived_its_runner_ends_with_its_children(
    tmp_path: Path, family: subprocess.Popen[bytes]
) -> None:
    pids = [process.pid for process in tree(family.pid)]
    (tmp_path / "part.pid").write_text(f"{family.pid}\n")
    end_orphans(tmp_path)
    assert len(pids) == 2
    assert not any(is_alive(pid) for pid in pids)


def test_a_process_that_only_has_the_number_of_a_part_stays(tmp_path: Path, family: subprocess.Popen[bytes]) -> None:
    pid_file = tmp_path / "part.pid"
    pid_file.write_text(f"{family.pid}\n")
    long_ago = time.time() - 3600
    os.utime(pid_file, (long_ago, long_ago))
    end_orphans(tmp_path)
    assert is_alive(family.pid)


def test_a_part_gets_its_own_environment_and_no_other(tmp_path: Path) -> None:
    show = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.umask(0)]))"
    environment = {"SECRET": """it's "quoted"; 100% # $HOME""", "LC_CTYPE": "C.UTF-8"}
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps(
            {
                "command": [sys.executable, "-c", show],
                "environment": environment,
                "folder": str(tmp_path),
                "user": None,
                "group": None,
            }
        )
    )
    command = [sys.executable, "-I", launch.__file__, str(spec)]
    output = subprocess.run(command, check=True, capture_output=True, env={"LEAK": "1"}).stdout
    assert json.loads(output) == [environment, str(tmp_path), 0o077]
    assert int((tmp_path / "spec.pid").read_text()) > 1


def test_the_end_of_a_log_is_part_of_the_error(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text("\n".join(f"line {number}" for number in range(1000)))
    message = str(PartError.with_log("kafka", "died", log, lines=2))
    assert "kafka died" in message
    assert "line 998\n    line 999\n" in message
    assert "line 997" not in message
    assert str(log) in message


def test_an_error_without_a_log_says_so(tmp_path: Path) -> None:
    assert "empty" in str(PartError.with_log("kafka", "died", tmp_path / "none.log"))


def test_somebody_elses_socket_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(LocalError, match="belongs to somebody else"):
        os_user.own_folder(tmp_path / "link")


def test_packages_that_root_alone_can_read_are_opened_to_the_server_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary, library = tmp_path / "bin" / "postgres", tmp_path / "bin" / "libpq.so"
    binary.parent.mkdir(mode=0o700)
    for file, mode in ((binary, 0o700), (library, 0o640)):
        file.touch()
        file.chmod(mode)
    monkeypatch.setattr(os_user, "server_user", lambda: os_user.SERVER_USER)
    monkeypatch.setattr(os_user, "open_way_to", lambda _: None)
    os_user.open_tree(tmp_path)
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "bin", binary, library)]
    assert modes == [0o705, 0o705, 0o644]
