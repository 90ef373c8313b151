"""The DAG run for real by Airflow, on the sample and on files that cannot be reconciled."""

import json
from pathlib import Path
from typing import Any

import pytest

from support import airflow_home

DATA = Path(__file__).parents[1] / "data"
SAMPLE = {
    "our_blotter": "recon/our_blotter.csv",
    "their_blotter": "recon/custodian_blotter.csv",
    "their_format": {"decimal_mark": ",", "date_format": "DD.MM.YYYY"},
    "as_of": "2026-11-20",
    "fx_rates": {"USD": 0.86, "JPY": 0.0055},
}

WRONG = [
    {"our_blotter": "../integration/conftest.py.csv"},
    {"our_blotter": "recon/nothing.csv"},
    {"our_blotter": "recon/custodian_blotter.csv"},
]

RUN = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import select
dag = DagBag(sys.argv[1]).dags["recon_break_resolution"]
runs = []
for parameters in json.loads(sys.argv[2]):
    run = dag.test(run_conf=parameters)
    with create_session() as session:
        stored = session.scalars(select(XComModel).where(XComModel.run_id == run.run_id)).all()
        xcoms = [[one.task_id, one.key, XComModel.deserialize_value(one)] for one in stored]
        states = {one.task_id: [one.state, one.try_number] for one in run.get_task_instances(session=session)}
    runs.append({"state": run.state, "states": states, "xcoms": xcoms})
print(json.dumps(runs))
"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, output: Path) -> list[dict[str, Any]]:
    """The sample's run, and one for each of the wrong parameters; all in one process, as Airflow is slow to start."""
    env = airflow_home.environment(
        tmp_path_factory.mktemp("airflow"), TRADEWIND_DATA_DIR=str(DATA), TRADEWIND_OUTPUT_DIR=str(output)
    )
    airflow_home.migrate(env)
    parameters = [SAMPLE | {"_tradewind": {"event_id": "e-1"}}, *(SAMPLE | wrong for wrong in WRONG)]
    dag_file = str(airflow_home.DAGS / "recon_break_resolution.py")
    found: list[dict[str, Any]] = airflow_home.run(RUN, env, dag_file, json.dumps(parameters))
    return found


def test_the_sample_is_reconciled(runs: list[dict[str, Any]], output: Path) -> None:
    run = runs[0]
    assert run["state"] == "success"
    tasks = ("load_ours", "load_theirs", "match", "result")
    assert {name: state for name, (state, _) in run["states"].items()} == dict.fromkeys(tasks, "success")
    [result] = [value for task, _, value in run["xcoms"] if task == "result"]
    assert (result["summary"]["our_rows"], result["summary"]["breaks"], result["breaks_shown"]) == (995, 130, 25)
    assert result["summary"]["currencies_without_rate"] == ["CHF", "EUR", "GBP", "SEK"]
    breaks = Path(result["files"]["breaks"])
    assert breaks.is_relative_to(output)
    assert len(breaks.read_text().splitlines()) == 130


def test_rows_never_go_through_xcom(runs: list[dict[str, Any]]) -> None:
    sizes = {task: len(json.dumps(value)) for task, _, value in runs[0]["xcoms"]}
    assert len(runs[0]["xcoms"]) == len(sizes) == 4
    assert sizes.pop("result") < 32 * 1024
    assert max(sizes.values()) < 2048


@pytest.mark.parametrize("number", range(1, 1 + len(WRONG)))
def test_files_that_cannot_be_read_fail_at_once(runs: list[dict[str, Any]], number: int) -> None:
    run = runs[number]
    assert run["state"] == "failed"
    # Not tried again: the file would be no better.
    assert run["states"]["load_ours"] == ["failed", 1]
    assert run["states"]["result"][0] == "upstream_failed"
