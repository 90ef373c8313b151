"""docs/scaling.md shows what the model computes from what was measured, and the model's arithmetic holds."""

import re
import subprocess
import sys

from support.airflow_home import ROOT
from support.documents import DOCS, table

PAGE = DOCS / "scaling.md"
BEGIN, END = "<!-- capacity: begin -->\n", "<!-- capacity: end -->"


def printed() -> str:
    """What the script prints."""
    command = [sys.executable, str(ROOT / "benchmarks" / "capacity.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def rows() -> dict[str, list[float]]:
    """What the page's table says, by its first column; rows with words in them are left out."""
    found: dict[str, list[float]] = {}
    for row in table(PAGE, "r events a second"):
        name, _, *cells = row.values()
        values = [cell.replace(",", "") for cell in cells]
        if all(value.replace(".", "", 1).isdigit() for value in values):
            found[name] = [float(value) for value in values]
    return found


def test_the_tables_are_what_the_script_prints() -> None:
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == printed().strip()


def test_no_place_is_left_to_be_filled() -> None:
    assert re.findall(r"@[A-Z0-9]+@", PAGE.read_text()) == []


def test_what_is_linear_grows_with_the_rate() -> None:
    for name in ("growth a month, GiB", "disk of all brokers, GiB", "write-ahead log, MiB/s"):
        _, _, hundred, thousand, _ = rows()[name]
        assert 9.8 < thousand / hundred < 10.2, name


def test_a_hundred_million_runs_are_3_3_million_a_day() -> None:
    assert rows()["events a day, millions"][1] == 3.33


def test_nobody_is_alone_who_may_not_be() -> None:
    facades = next(row for row in table(PAGE, "r events a second") if row["r events a second"] == "facades")
    assert facades["1/s"] == "2"
    assert min(rows()["partitions"]) == 6
