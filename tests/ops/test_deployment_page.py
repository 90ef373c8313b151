"""docs/deployment.md says what docker-compose.yml, .env.example and the settings say."""

import re

import pytest

from support.airflow_home import ROOT
from support.compose_file import CORE, compose_file, image, memory_mib, port, profile, sums
from support.compose_rules import is_job
from support.documents import DOCS, blocks, table
from tradewind_local import env_file
from tradewind_reference.readers import readers

PAGE = DOCS / "deployment.md"
GENERATED = "generated"


def example() -> dict[str, str]:
    """Variable -> default, of `.env.example`."""
    rows = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(rows)


def variables() -> dict[str, dict[str, str]]:
    """The rows of the page's table of variables."""
    return {row["variable"]: row for row in table(PAGE, "variable")}


def test_each_variable_that_containers_read_has_its_row() -> None:
    used = set(readers())
    assert sorted(used - set(example())) == []
    assert sorted(variables()) == sorted(used)


def test_the_defaults_are_those_of_the_example() -> None:
    made = set(env_file.GENERATED)
    wanted = {name: GENERATED if name in made else example()[name] for name in variables()}
    assert {name: row["default"] for name, row in variables().items()} == wanted


def test_the_readers_are_those_that_change() -> None:
    assert {name: set(row["read by"].split(", ")) for name, row in variables().items()} == readers()


def test_each_service_has_its_row() -> None:
    wanted = [
        (name, image(service), port(service), str(memory_mib(service)))
        for name, service in compose_file()["services"].items()
    ]
    rows = [(row["service"], row["image"], row["port"], row["MiB"]) for row in table(PAGE, "service")]
    assert rows == wanted


def test_jobs_and_profiles_are_told() -> None:
    services = compose_file()["services"]
    for row in table(PAGE, "service"):
        service = services[row["service"]]
        assert row["what it is"].startswith("job: ") == is_job(service)
        assert row["profile"] == ("" if profile(service) == CORE else profile(service))


def test_the_sums_are_those_of_the_limits() -> None:
    rows = {row["limits of memory"]: int(row["sum, MiB"].replace(",", "")) for row in table(PAGE, "limits of memory")}
    assert rows == {**sums(), "core and monitoring": sums()[CORE] + sums()["monitoring"]}


@pytest.mark.parametrize("named", sorted(env_file.GENERATED))
def test_each_secret_can_be_changed(named: str) -> None:
    rows = "\n".join(line for line in PAGE.read_text().splitlines() if line.startswith("| `") and "then" not in line)
    assert f"`{named}`" in rows.split("## Passwords")[-1]


def test_no_block_is_left_without_a_language() -> None:
    assert PAGE.read_text().count("```") == 2 * len(blocks(PAGE))
