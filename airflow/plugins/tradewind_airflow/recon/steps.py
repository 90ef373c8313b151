"""The DAG's tasks. Each reads and writes files, and returns their paths: rows never go through XCom.

A task that is run again writes the same files again, as a whole or not at all.
"""

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, TextIO, TypedDict

from tradewind_airflow.recon import blotters, report
from tradewind_airflow.recon.breaks import BreakWriter
from tradewind_airflow.recon.cells import CellReader
from tradewind_airflow.recon.folders import Folders
from tradewind_airflow.recon.matching import match
from tradewind_airflow.recon.ownership import Parties
from tradewind_airflow.recon.parameters import Parameters
from tradewind_airflow.recon.trades import Trade

WORKFLOW_ID = "recon_break_resolution"
MAX_RESULT_BREAKS = 25
"""Breaks in the run's result, the costliest first; all of them are in its file."""


class Loaded(TypedDict):
    """A loaded blotter: its name, its number of rows, and its trades' file in the run's folder."""

    name: str
    rows: int
    trades: str


class Matched(TypedDict):
    """The outcome of matching: the figures, and the two files in the run's folder."""

    summary: dict[str, Any]
    as_of: str
    breaks: str
    pairs: str


class RunFiles:
    """A run's files."""

    def __init__(self, folders: Folders, run_id: str) -> None:
        self._folders = folders
        self.folder = folders.of_run(WORKFLOW_ID, run_id)

    def load_ours(self, parameters: Parameters) -> Loaded:
        """Read our blotter; each row must have its reference."""
        cells = CellReader(parameters.our_format)
        return self._load(parameters.our_blotter, cells, "our_trades.csv", references_required=True)

    def load_theirs(self, parameters: Parameters) -> Loaded:
        """Read their blotter; a counterparty's sides are mirrored."""
        cells = CellReader(parameters.their_format, mirrored=parameters.their_role == "counterparty")
        return self._load(parameters.their_blotter, cells, "their_trades.csv", references_required=False)

    def _load(self, blotter: str, cells: CellReader, target: str, *, references_required: bool) -> Loaded:
        trades = blotters.read(self._folders.blotter(blotter), cells, references_required=references_required)
        path = self.folder / target
        self._write(path, lambda file: blotters.write_normalised(trades, file))
        return Loaded(name=blotter, rows=len(trades), trades=path.name)

    def match(self, parameters: Parameters, ours: Loaded, theirs: Loaded, as_of: date) -> Matched:
        """Match the two, and write every pair and every break."""
        parties = Parties(parameters.their_role, ours["name"], theirs["name"])
        found = match(self._trades(ours), self._trades(theirs), parameters.tolerances)
        made = report.build(found, BreakWriter(parties, parameters.tolerances, as_of), parameters.fx_rates)
        self._write(self.folder / "breaks.jsonl", lambda file: _write_breaks(made, file))
        self._write(self.folder / "pairs.csv", lambda file: _write_pairs(made, file))
        return Matched(
            summary=made.summary.model_dump(), as_of=as_of.isoformat(), breaks="breaks.jsonl", pairs="pairs.csv"
        )

    def result(self, matched: Matched) -> dict[str, Any]:
        """Return the run's result: the figures, the costliest breaks, and where all of them are."""
        with (self.folder / matched["breaks"]).open(encoding="utf-8") as file:
            breaks = [json.loads(line) for line, _ in zip(file, range(MAX_RESULT_BREAKS), strict=False)]
        return {
            "as_of": matched["as_of"],
            "summary": matched["summary"],
            "breaks": breaks,
            "breaks_shown": len(breaks),
            "files": {name: str(self.folder / matched[name]) for name in ("breaks", "pairs")},
        }

    def _trades(self, loaded: Loaded) -> list[Trade]:
        return blotters.read_normalised(self.folder / loaded["trades"])

    def _write(self, path: Path, write: Callable[[TextIO], None]) -> None:
        # A reader, or a task that was killed and runs again, never sees half a file.
        partial = path.with_name(f".{path.name}.partial")
        with partial.open("w", newline="", encoding="utf-8") as file:
            write(file)
        partial.replace(path)


def _write_breaks(made: report.Report, file: TextIO) -> None:
    file.writelines(one.model_dump_json(exclude_none=True) + "\n" for one in made.breaks)


def _write_pairs(made: report.Report, file: TextIO) -> None:
    rows = csv.writer(file)
    rows.writerow(["our_line", "their_line", "trade_id", "status", "matched_by"])
    for outcome in sorted(made.pairs, key=lambda outcome: outcome.pair.ours.line):
        pair = outcome.pair
        reference = pair.ours.trade_id or pair.theirs.trade_id
        rows.writerow([pair.ours.line, pair.theirs.line, reference, outcome.status, pair.matched_by])
