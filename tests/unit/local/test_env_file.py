"""`make env`: what it writes, what it leaves alone, and that it needs no package."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind_local import credentials, env_file, repository


def run(file: Path) -> str:
    """`make env`'s command on an interpreter without packages; what it says."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(repository.ROOT / "local" / "src")}
    command = [sys.executable, "-S", "-m", "tradewind_local.env_file", str(file)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def test_it_works_without_any_package_and_keeps_the_secrets_to_itself(tmp_path: Path) -> None:
    said = run(tmp_path / ".env")
    rows = credentials.read(tmp_path / ".env")
    assert set(rows) == {*env_file.GENERATED, "COMPOSE_PROFILES"}
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
    assert [name for name in env_file.GENERATED if name not in said] == []
    assert [name for name in env_file.GENERATED if rows[name] in said] == []


def test_a_second_run_changes_nothing_and_says_so(tmp_path: Path) -> None:
    run(tmp_path / ".env")
    before = (tmp_path / ".env").read_text()
    assert "no secret was missing" in run(tmp_path / ".env")
    assert (tmp_path / ".env").read_text() == before


def test_rows_that_stand_there_stay_and_may_be_empty_where_that_says_something(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    before = "COMPOSE_PROFILES=\nALERTMANAGER_WEBHOOK_URL=https://example.test/hook\nPOSTGRES_PASSWORD=mine alone\n"
    file.write_text(before)
    added = env_file.complete(file, env_file.FOR_COMPOSE)
    assert file.read_text().startswith(before)
    assert {"COMPOSE_PROFILES", "ALERTMANAGER_WEBHOOK_URL", "POSTGRES_PASSWORD"}.isdisjoint(added)


@pytest.mark.parametrize(
    "row",
    [
        "{name}=", "{name}=''", '{name}=""', "{name}= # none yet", "# {name}=behind a comment", "OTHER_{name}=other",
        "{name}=value", "{name}='value'", "export {name}=value", "  {name} = value", "{name}='#value'",
    ],
)  # fmt: skip
def test_it_sees_a_value_where_the_stack_sees_one(row: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("FIRST=1\n" + row.format(name="LANGGRAPH_TOKEN") + "\nLAST=1\n")
    had_one = "LANGGRAPH_TOKEN" in credentials.read(file)
    assert ("LANGGRAPH_TOKEN" not in env_file.complete(file)) == had_one
