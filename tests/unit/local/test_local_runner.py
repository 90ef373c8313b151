"""The process runner: its configuration, and what it reports of parts that nobody started."""

import sys
from pathlib import Path

import pytest
from supervisor.datatypes import RestartUnconditionally
from supervisor.options import ServerOptions

from tradewind_local import launch
from tradewind_local.errors import LocalError
from tradewind_local.runner import Program, Runner, config_text


def read_back(text: str, folder: Path) -> ServerOptions:
    """The configuration as supervisord itself reads it."""
    file = folder / "supervisord.conf"
    file.write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(file)])
    return options


def test_supervisord_reads_what_was_written(tmp_path: Path) -> None:
    odd = tmp_path / "an odd folder"
    odd.mkdir()
    program = Program("kafka", odd / "kafka.json", odd / "kafka.out", "INT")
    options = read_back(config_text(odd, odd, odd / "s.sock", [program]), tmp_path)
    [group] = options.process_group_configs
    [process] = group.process_configs
    assert process.command.endswith(f"'{odd / 'kafka.json'}'")
    assert process.command.startswith(f"{sys.executable} -I {launch.__file__} ")
    assert process.stdout_logfile == str(odd / "kafka.out")
    assert (process.autostart, process.startsecs, process.stopasgroup, process.killasgroup) == (False, 0, True, True)
    assert process.stopsignal.name == "SIGINT"
    assert options.umask == 0o077
    [server] = options.server_configs
    assert (server["file"], server["chmod"]) == (str(odd / "s.sock"), 0o700)


def test_a_part_that_dies_is_started_again_whatever_its_exit_code(tmp_path: Path) -> None:
    options = read_back(config_text(tmp_path, tmp_path, tmp_path / "s", [Program("a", tmp_path, tmp_path)]), tmp_path)
    assert options.process_group_configs[0].process_configs[0].autorestart is RestartUnconditionally


@pytest.mark.parametrize("name", ["100%", "a;b", "#1"])
def test_a_folder_that_supervisord_would_misread_is_refused(name: str) -> None:
    with pytest.raises(LocalError, match=r"Move it"):
        config_text(Path("/srv") / name, Path("/srv/logs"), Path("/srv/s"), [])


def test_nothing_runs_where_nothing_was_started(tmp_path: Path) -> None:
    runner = Runner(tmp_path, tmp_path)
    assert not runner.answers()
    assert runner.state("kafka").state == "STOPPED"
    assert not runner.state("kafka").up
