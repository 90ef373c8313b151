"""The sample that ships: written by its generator, and reconciled without one miss or one false alarm."""

import csv
import json
import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from support import recon_sample
from support.recon_sample_files import Row
from tradewind_airflow.recon import report
from tradewind_airflow.recon.breaks import BreakWriter
from tradewind_airflow.recon.cells import BlotterFormat, CellReader
from tradewind_airflow.recon.folders import Folders
from tradewind_airflow.recon.matching import match
from tradewind_airflow.recon.ownership import Parties
from tradewind_airflow.recon.parameters import Parameters
from tradewind_airflow.recon.steps import MAX_RESULT_BREAKS, RunFiles
from tradewind_airflow.recon.tolerances import Tolerances
from tradewind_airflow.recon.trades import Trade

PARAMETERS = Parameters.model_validate(
    {
        "our_blotter": "recon/our_blotter.csv",
        "their_blotter": "recon/custodian_blotter.csv",
        "their_format": {"decimal_mark": ",", "date_format": "DD.MM.YYYY"},
        "as_of": "2026-11-20",
    }
)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    files = RunFiles(Folders(recon_sample.FOLDER.parent, tmp_path_factory.mktemp("output")), "run-1")
    ours, theirs = files.load_ours(PARAMETERS), files.load_theirs(PARAMETERS)
    return files.folder, files.result(files.match(PARAMETERS, ours, theirs, recon_sample.AS_OF))


@pytest.fixture(scope="module")
def planted() -> list[dict[str, Any]]:
    truth: list[dict[str, Any]] = json.loads((recon_sample.FOLDER / "planted.json").read_text())
    return truth


def test_the_generator_wrote_the_committed_files(tmp_path: Path) -> None:
    recon_sample.write(tmp_path)
    for name in ("our_blotter.csv", "custodian_blotter.csv", "planted.json"):
        assert (tmp_path / name).read_bytes() == (recon_sample.FOLDER / name).read_bytes(), name


SMALLEST = Row(
    "TW26111396011", "GB00BH4HKS39", "Vodafone Group plc", "sell", 20, Decimal("0.6855"), "GBP", Decimal("13.70"),
    date(2026, 11, 13), date(2026, 11, 17),
)  # fmt: skip
"""A trade so small that a per cent of its money is within tolerance."""


@pytest.mark.parametrize("number", range(len(recon_sample.plants())))
def test_a_plant_makes_the_breaks_it_tells_of_however_small_the_trade(number: int) -> None:
    _, plant = recon_sample.plants()[number]
    for seed in range(25):
        one = plant(SMALLEST, random.Random(seed))
        found = match(_trades(one.ours), _trades(one.theirs), Tolerances())
        made = report.build(found, BreakWriter(Parties("custodian", "a", "b"), Tolerances(), recon_sample.AS_OF), {})
        assert sorted(told.break_type for told in made.breaks) == sorted(one.breaks)
        assert [pair.status for pair in made.pairs] == ([one.status] if one.ours and one.theirs else [])


def _trades(rows: tuple[Row, ...]) -> list[Trade]:
    cells = CellReader(BlotterFormat())
    return [
        Trade(
            line, Decimal(row.quantity), row.price, row.net_money, row.settlement_date, row.trade_date, row.isin,
            cells.side(row.side), row.currency, cells.reference(row.trade_id),
        )
        for line, row in enumerate(rows)
    ]  # fmt: skip


def test_every_planted_pair_is_found_and_no_other(
    outcome: tuple[Path, dict[str, Any]], planted: list[dict[str, Any]]
) -> None:
    with (outcome[0] / "pairs.csv").open() as file:
        found = {(int(row["our_line"]), int(row["their_line"])): row for row in csv.DictReader(file)}
    expected = [one for one in planted if "status" in one]
    assert len(found) == len(expected)
    for one in expected:
        # A trade that is told twice is paired by either of its two equal rows.
        [row] = [found[a, b] for a in one["our_lines"] for b in one["their_lines"] if (a, b) in found]
        assert (row["status"], row["matched_by"]) == (one["status"], one["matched_by"])


def test_every_planted_break_is_found_and_no_other(
    outcome: tuple[Path, dict[str, Any]], planted: list[dict[str, Any]]
) -> None:
    with (outcome[0] / "breaks.jsonl").open() as file:
        found = sorted(_told(json.loads(line)) for line in file)
    expected = sorted((kind, *_lines_of(kind, one)) for one in planted for kind in one["breaks"])
    assert found == expected
    assert len(expected) == 130


def _told(one: dict[str, Any]) -> tuple[str, list[int], list[int]]:
    rows = [evidence["row"].rpartition(":") for evidence in one["evidence"]]
    ours, theirs = (
        sorted(int(line) for name, _, line in rows if name == blotter)
        for blotter in (PARAMETERS.our_blotter, PARAMETERS.their_blotter)
    )
    return one["break_type"], ours, theirs


def _lines_of(kind: str, one: dict[str, Any]) -> tuple[list[int], list[int]]:
    ours = [] if kind == "duplicate_theirs" else one["our_lines"]
    return ours, [] if kind == "duplicate_ours" else one["their_lines"]


def test_the_result_is_small_and_has_the_files_of_the_rest(outcome: tuple[Path, dict[str, Any]]) -> None:
    folder, result = outcome
    assert result["as_of"] == "2026-11-20"
    assert (result["breaks_shown"], result["summary"]["breaks"]) == (MAX_RESULT_BREAKS, 130)
    assert result["files"] == {"breaks": str(folder / "breaks.jsonl"), "pairs": str(folder / "pairs.csv")}
    assert len(json.dumps(result)) < 32 * 1024
    amounts = [float(one["amount_at_risk"]) for one in result["breaks"]]
    assert amounts == sorted(amounts, reverse=True)
    figures = result["summary"]
    assert (figures["our_rows"], figures["their_rows"], figures["matched"], figures["toleranced"]) == (
        995,
        995,
        841,
        48,
    )


def test_a_step_that_runs_again_writes_the_same(outcome: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    folder, first = outcome
    files = RunFiles(Folders(recon_sample.FOLDER.parent, tmp_path), "run-1")
    for _ in range(2):
        matched = files.match(
            PARAMETERS, files.load_ours(PARAMETERS), files.load_theirs(PARAMETERS), date(2026, 11, 20)
        )
    assert files.result(matched)["breaks"] == first["breaks"]
    assert {path.name for path in files.folder.iterdir()} == {path.name for path in folder.iterdir()}
    for path in files.folder.iterdir():
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_a_counterparty_s_sides_are_mirrored(tmp_path: Path) -> None:
    files = RunFiles(Folders(recon_sample.FOLDER.parent, tmp_path), "run-2")
    mirrored = PARAMETERS.model_copy(update={"their_role": "counterparty"})
    matched = files.match(mirrored, files.load_ours(mirrored), files.load_theirs(mirrored), recon_sample.AS_OF)
    assert matched["summary"]["breaks_by_type"]["side_mismatch"] > 900
