"""The command line: what it prints, returns and creates."""

import stat
from pathlib import Path

import pytest

from tradewind_local.__main__ import main, table
from tradewind_local.errors import LocalError
from tradewind_local.parts import ALL
from tradewind_local.processes import PartStatus
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack


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


def test_status_of_a_stack_never_started_creates_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(tmp_path / "home")]) == 3
    assert not (tmp_path / "home").exists()
    assert capsys.readouterr().out.count("stopped") == len(ALL)
