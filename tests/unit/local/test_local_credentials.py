"""Secrets: made once, never changed, readable by their owner alone."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tradewind_local import credentials
from tradewind_local.env_file import GENERATED, write_private


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_first_use_makes_every_secret_and_differently_each_time(tmp_path: Path) -> None:
    one, two = credentials.ensure(tmp_path / "one" / ".env"), credentials.ensure(tmp_path / "two" / ".env")
    assert set(one) == set(two) == set(GENERATED)
    assert all(one[name] != two[name] for name in one)
    assert len(set(one.values())) == len(one)


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    credentials.ensure(env_file)
    assert mode(env_file) == 0o600


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LANGGRAPH_TOKEN=mine-and-mine-alone\n")
    env_file.chmod(0o644)
    credentials.ensure(env_file)
    assert mode(env_file) == 0o600


def test_what_stands_there_is_not_changed(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    before = "# my notes\nLANGGRAPH_TOKEN=mine-and-mine-alone\nOTHER='${HOME} stays'"
    env_file.write_text(before)
    rows = credentials.ensure(env_file)
    assert env_file.read_text().startswith(before)
    assert rows["LANGGRAPH_TOKEN"] == "mine-and-mine-alone"
    assert rows["OTHER"] == "${HOME} stays"


def test_a_second_use_changes_nothing(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    rows = credentials.ensure(env_file)
    text = env_file.read_text()
    assert credentials.ensure(env_file) == rows == credentials.read(env_file)
    assert env_file.read_text() == text


def test_an_empty_row_is_a_missing_one(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("LANGGRAPH_TOKEN=\n")
    rows = credentials.ensure(env_file)
    assert len(rows["LANGGRAPH_TOKEN"]) >= 32
    assert credentials.read(env_file)["LANGGRAPH_TOKEN"] == rows["LANGGRAPH_TOKEN"]


def test_two_first_uses_at_once_make_one_set(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    with ThreadPoolExecutor(8) as threads:
        sets = list(threads.map(lambda _: credentials.ensure(env_file), range(8)))
    assert all(rows == sets[0] for rows in sets)


def test_each_secret_is_what_its_reader_takes(tmp_path: Path) -> None:
    rows = credentials.ensure(tmp_path / ".env")
    Fernet(rows["AIRFLOW__CORE__FERNET_KEY"])
    assert len(rows["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64
    assert list(json.loads(rows["API_TOKENS"])) == ["demo"]


def test_airflow_gets_its_users_and_their_passwords(tmp_path: Path) -> None:
    rows = credentials.ensure(tmp_path / ".env")
    path = tmp_path / "passwords.json"
    credentials.write_airflow_passwords(path, rows)
    assert credentials.airflow_users() == "admin:admin,facade:viewer,ingest:user"
    assert json.loads(path.read_text()) == {
        "admin": rows["AIRFLOW_ADMIN_PASSWORD"],
        "facade": rows["AIRFLOW_PASSWORD"],
        "ingest": rows["AIRFLOW_INGEST_PASSWORD"],
    }
    assert mode(path) == 0o600


def test_a_private_file_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "private"
    path.write_text("old")
    path.chmod(0o666)
    modes: list[int] = []
    real = Path.replace

    def watching(self: Path, target: Path) -> Path:
        modes.append(mode(self))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", watching)
    write_private(path, "new")
    assert modes == [0o600]
    assert path.read_text() == "new"
    assert mode(path) == 0o600
