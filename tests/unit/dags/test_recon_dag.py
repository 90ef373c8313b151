"""The DAG as Airflow parses it, and Airflow's own rules for run ids beside ours."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from support import airflow_home
from tradewind_contracts import run_ids

PARSE = """
import json, sys, re
from airflow.configuration import conf
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.utils.types import DagRunType
from tradewind_airflow.runs.parameters import ParameterSchema
bag = DagBag(sys.argv[1])
dag = bag.dags["recon_break_resolution"]
schema = ParameterSchema.of(DagSerialization.from_dict(DagSerialization.to_dict(dag)).params)
good = {"our_blotter": "a.csv", "their_blotter": "b.csv"}
print(json.dumps({
    "errors": {str(k): v for k, v in bag.import_errors.items()},
    "tasks": {t.task_id: sorted(t.downstream_task_ids) for t in dag.tasks},
    "description": dag.description, "doc": dag.doc_md, "schedule": dag.schedule, "paused": dag.is_paused_upon_creation,
    "schema": schema.document,
    "faults": [[e.pointer for e in schema.errors(p)] for p in
        ({}, good, good | {"our_blotter": "a.xlsx"}, good | {"tolerances": {"price": {"tolerance": -1}}})],
    "run_id_pattern": conf.get("scheduler", "allowed_run_id_pattern"),
    "reserved": [t.generate_run_id(suffix="") for t in DagRunType if t is not DagRunType.MANUAL],
}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = airflow_home.environment(tmp_path_factory.mktemp("airflow"))
    found: dict[str, Any] = airflow_home.run(PARSE, env, str(airflow_home.DAGS / "recon_break_resolution.py"))
    return found


def test_it_is_imported_without_errors(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert (parsed["schedule"], parsed["paused"]) == (None, False)


def test_both_files_are_read_side_by_side_and_the_result_comes_last(parsed: dict[str, Any]) -> None:
    assert parsed["tasks"] == {"load_ours": ["match"], "load_theirs": ["match"], "match": ["result"], "result": []}


def test_operators_find_a_description_and_a_guide(parsed: dict[str, Any]) -> None:
    assert 20 < len(parsed["description"]) < 200
    assert "TRADEWIND_DATA_DIR" in parsed["doc"]


def test_the_schema_tells_callers_what_to_send(parsed: dict[str, Any]) -> None:
    schema = parsed["schema"]
    assert sorted(schema["required"]) == ["our_blotter", "their_blotter"]
    assert all(declared["description"] for declared in schema["properties"].values())
    assert schema["properties"]["tolerances"]["default"]["price"] == {
        "tolerance": "0.01",
        "tolerance_type": "percentage",
    }


def test_wrong_parameters_are_refused_at_the_door(parsed: dict[str, Any]) -> None:
    assert parsed["faults"] == [
        ["#/parameters/our_blotter", "#/parameters/their_blotter"],
        [],
        ["#/parameters/our_blotter"],
        ["#/parameters/tolerances/price/tolerance"],
    ]


def test_our_run_ids_keep_airflow_s_rules(parsed: dict[str, Any]) -> None:
    assert parsed["run_id_pattern"].strip() == TypeAdapter(run_ids.RunId).json_schema()["pattern"]
    assert set(parsed["reserved"]) == set(run_ids._AIRFLOW_PREFIXES)
    made = [run_ids.new(), run_ids.from_event("s", "e"), run_ids.from_record("t", 0, 0)]
    assert all(re.match(parsed["run_id_pattern"], one) for one in made)
    assert not any(one.startswith(tuple(parsed["reserved"])) for one in made)


def test_the_file_is_thin() -> None:
    assert len(Path(airflow_home.DAGS / "recon_break_resolution.py").read_text().splitlines()) < 120
