"""Generated configuration: the process runner's and the broker's."""

import stat
import sys
from pathlib import Path

import pytest
from supervisor.datatypes import RestartUnconditionally
from supervisor.options import ServerOptions

from tradewind_local import broker_config, launch
from tradewind_local.__main__ import main, table
from tradewind_local.errors import LocalError
from tradewind_local.parts import ALL
from tradewind_local.processes import PartStatus
from tradewind_local.runner import Program, Runner, config_text
from tradewind_local.settings import LocalSettings
from tradewind_local.sockets import LONGEST_FOLDER, socket_folder
from tradewind_local.stack import Stack


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


def test_a_socket_in_a_deep_folder_lies_in_the_temporary_one() -> None:
    deep = Path("/" + "d" * LONGEST_FOLDER)
    assert socket_folder(Path("/short")) == Path("/short")
    assert len(str(socket_folder(deep))) < LONGEST_FOLDER
    assert socket_folder(deep) == socket_folder(deep) != socket_folder(deep / "other")


def test_the_brokers_files_name_its_ports_and_folders(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    files = broker_config.write(tmp_path / "data", tmp_path / "logs", 1111, 2222)
    lines = files.server.read_text().splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:1111,CONTROLLER://127.0.0.1:2222" in lines
    assert f"log.dirs={tmp_path / 'data'}/records" in lines
    assert "auto.create.topics.enable=false" in lines
    assert f"appender.file.fileName={tmp_path / 'logs'}/kafka.log" in files.log4j.read_text().splitlines()


def test_status_adds_up_the_memory() -> None:
    megabytes = 1024 * 1024
    rows = [PartStatus("kafka", "running", 1, 5, 150 * megabytes, ""), PartStatus("api", "stopped", None, 0, 0, "")]
    grid = table(rows)
    assert grid.columns[4].footer == "150 MiB"
    assert list(grid.columns[0].cells) == ["kafka", "api"]


def test_an_error_is_a_message_and_an_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise LocalError("port 8080 [http] is taken: set TRADEWIND_AIRFLOW_PORT")

    monkeypatch.setattr(Stack, "up", fail)
    assert main(["up", "--home", str(tmp_path)]) == 1
    assert "error: port 8080 [http] is taken: set TRADEWIND_AIRFLOW_PORT" in capsys.readouterr().err


def test_down_without_a_stack_does_nothing(tmp_path: Path) -> None:
    assert main(["down", "--home", str(tmp_path / "none")]) == 0
    assert not (tmp_path / "none").exists()


def test_a_home_is_its_owners_alone(tmp_path: Path) -> None:
    Stack(LocalSettings.load(tmp_path / "home")).environment()
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_to_look_at_a_stack_that_never_was_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path / "home")]) == 3
    assert not (tmp_path / "home").exists()
    assert capsys.readouterr().out.count("stopped") == len(ALL)
