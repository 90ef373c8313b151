"""What a run may be given: the schemas that callers see and the models that the tasks read, side by side."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from tradewind_airflow.recon.folders import FolderError, Folders
from tradewind_airflow.recon.parameters import DEFAULTS, DESCRIPTIONS, SCHEMAS, Parameters

FILES = {"our_blotter": "a/ours.csv", "their_blotter": "theirs.csv"}

GOOD: list[dict[str, Any]] = [
    {},
    {"their_role": "counterparty"},
    {"as_of": None},
    {"as_of": "2026-11-20"},
    {"tolerances": {}},
    {"tolerances": {"price": {"tolerance": 0.05}}},
    {"tolerances": {"price": {"tolerance": "0.05", "tolerance_type": "fixed"}}},
    {"tolerances": {"settlement_date": {"tolerance": 1}}},
    {"our_format": {"decimal_mark": ","}, "their_format": {"date_format": "DD-MON-YYYY"}},
    {"fx_rates": {"USD": 0.86}},
]
BAD: list[dict[str, Any]] = [
    {"our_blotter": ""},
    {"our_blotter": 5},
    {"their_blotter": "x" * 500},
    {"their_role": "broker"},
    {"as_of": "20.11.2026"},
    {"as_of": 5.5},
    {"tolerances": {"prize": {"tolerance": 1}}},
    {"tolerances": {"price": {}}},
    {"tolerances": {"price": {"tolerance": -1}}},
    {"tolerances": {"price": {"tolerance": "1e9999"}}},
    {"tolerances": {"price": {"tolerance": 1, "tolerance_type": "about"}}},
    {"tolerances": {"settlement_date": {"tolerance": 1, "tolerance_type": "percentage"}}},
    {"our_format": {"decimal_mark": ";"}},
    {"our_format": {"date_format": "%Y"}},
    {"our_format": {"delimiter": ";"}},
    {"fx_rates": {"USD": 0}},
    {"fx_rates": {"USD": "much"}},
]


def _fits(given: dict[str, Any]) -> bool:
    return all(
        Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker()).is_valid(value)
        for name, value in given.items()
    )


@pytest.mark.parametrize("given", GOOD)
def test_both_take_it(given: dict[str, Any]) -> None:
    assert _fits(FILES | given)
    Parameters.model_validate(FILES | given)


@pytest.mark.parametrize("given", BAD)
def test_both_refuse_it(given: dict[str, Any]) -> None:
    assert not _fits(FILES | given)
    with pytest.raises(ValidationError):
        Parameters.model_validate(FILES | given)


def test_the_schemas_are_schemas_of_the_model_s_fields() -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    assert set(SCHEMAS) == set(DESCRIPTIONS) == set(Parameters.model_fields)
    assert "$ref" not in str(SCHEMAS)


def test_the_defaults_fit_and_the_files_have_none() -> None:
    assert _fits(DEFAULTS)
    assert set(SCHEMAS) - set(DEFAULTS) == set(FILES)
    assert Parameters.model_validate(FILES | DEFAULTS) == Parameters.model_validate(FILES)


def test_an_event_s_other_keys_are_left_alone() -> None:
    assert Parameters.model_validate(FILES | {"_tradewind": {"event_id": "e"}}).our_blotter == "a/ours.csv"


def test_tolerances_are_exact_decimals() -> None:
    parameters = Parameters.model_validate(FILES | {"tolerances": {"net_money": {"tolerance": 0.1}}})
    assert parameters.tolerances.net_money.tolerance == Decimal("0.1")
    assert parameters.tolerances.price.tolerance == Decimal("0.01")


@pytest.mark.parametrize(
    "path",
    ["../secret.csv", "/etc/passwd", "a/../../secret.csv", "", ".", "a/..", "link/secret.csv", "a\0.csv", "out.csv"],
)
def test_no_path_leads_out_of_the_data_folder(tmp_path: Path, path: str) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "link").symlink_to(tmp_path)
    (data / "out.csv").symlink_to(tmp_path / "secret.csv")
    (tmp_path / "secret.csv").write_text("secret")
    with pytest.raises(FolderError, match=r"leads out of|not a path below"):
        Folders(data, tmp_path / "output").blotter(path)


@pytest.mark.parametrize("run_id", ["..", ".", "", "../../x", "/tmp"])  # noqa: S108  # a path to be refused
def test_no_run_writes_out_of_its_folder(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(FolderError):
        Folders(tmp_path, tmp_path / "output").of_run("recon_break_resolution", run_id)


def test_folders_come_from_the_environment(tmp_path: Path) -> None:
    data = str(tmp_path)
    assert Folders.of({"TRADEWIND_DATA_DIR": data}) == Folders(tmp_path, tmp_path / "output")
    assert Folders.of({"TRADEWIND_DATA_DIR": data, "TRADEWIND_OUTPUT_DIR": "/x"}).output == Path("/x")
    with pytest.raises(FolderError, match="set TRADEWIND_DATA_DIR"):
        Folders.of({})


def test_the_logic_needs_no_airflow() -> None:
    program = "import sys, tradewind_airflow.recon.steps; print('airflow' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
