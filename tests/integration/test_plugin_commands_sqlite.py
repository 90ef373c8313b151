"""Commands on SQLite, which has no row locks: the same answers, and one effect each."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from support import airflow_home
from support.airflow_home import ROOT
from support.servers import temporary_home


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    """What the program tells of commands that four threads give at once."""
    with temporary_home() as home:
        shutil.copytree(ROOT / "tests" / "data" / "bulk_dags", home / "dags")
        env = airflow_home.environment(home, AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"))
        airflow_home.migrate(env)
        for arguments in (["-m", "airflow", "dags", "reserialize"], [str(ROOT / "tests/support/steered_sqlite.py")]):
            command = [sys.executable, *arguments]
            done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        yield json.loads(done.stdout.splitlines()[-1])


def test_a_priority_is_set_once(told: dict[str, Any]) -> None:
    answers, rows = told["priority"]
    assert answers == ["None"] * 4
    assert rows["log"].count("tradewind_priority") == 1


def test_a_cancel_has_one_effect(told: dict[str, Any]) -> None:
    answers, rows = told["cancel"]
    assert answers == ["False"] * 4
    assert (rows["run"], set(rows["tasks"])) == ("failed", {"upstream_failed"})
    assert rows["log"].count("tradewind_cancel") == 1


def test_one_of_four_retries_wins(told: dict[str, Any]) -> None:
    answers, rows = told["retry"]
    assert answers == ["False", *["state-conflict"] * 3]
    assert (rows["run"], rows["clear_number"], set(rows["tasks"])) == ("queued", 1, {None})


def test_with_one_key_four_retries_are_one(told: dict[str, Any]) -> None:
    answers, rows = told["keyed"]
    assert answers == ["False", *["True"] * 3]
    assert rows["clear_number"] == 2
    assert rows["log"].count("tradewind_retry") == 2
