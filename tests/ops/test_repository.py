"""Rules of the repository that no other tool checks. Each check is also shown a text that breaks its rule."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from tradewind_agents.settings import Settings as AgentsSettings
from tradewind_airflow.recon import folders
from tradewind_api.settings import Settings as ApiSettings
from tradewind_local.settings import LocalSettings

ROOT = Path(__file__).parents[2]
SETTINGS: list[type[BaseSettings]] = [ApiSettings, AgentsSettings, LocalSettings]
EXAMPLE = ROOT / ".env.example"

OTHERS = {
    folders.DATA_DIR, folders.OUTPUT_DIR, "AIRFLOW_CONN_TRADEWIND_KAFKA", "AIRFLOW_CONN_TRADEWIND_AIRFLOW",
}  # fmt: skip
"""Read by Airflow's processes, which have no settings class of ours."""


def _tracked(*suffixes: str) -> list[Path]:
    run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S607  # git is wherever PATH has it
    paths = (ROOT / name for name in run.stdout.split("\0") if name)
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def _names(settings: type[BaseSettings]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    for name, field in settings.model_fields.items():
        match field.validation_alias:
            case None:
                yield f"{prefix}{name}".upper()
            case str(alias):
                yield alias
            case AliasChoices(choices=choices):
                # The last is the brief's name; the others are for one stack among several.
                yield str(choices[-1])
            case other:
                pytest.fail(f"{settings.__module__}.{name}: {other} is no name of a variable")


def _example() -> dict[str, str]:
    assert EXAMPLE.exists(), ".env.example is missing: it lists every variable that a user may set"
    rows = re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return dict(rows)


def test_the_example_lists_every_setting() -> None:
    wanted = OTHERS | {name for settings in SETTINGS for name in _names(settings)}
    assert sorted(wanted - set(_example())) == []


def test_the_example_holds_no_secret() -> None:
    secret = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY$")
    in_url = re.compile(r"://[^/@:]*:[^/@]+@|(?i:password)")
    rows = _example()
    filled = {name for name, value in rows.items() if (secret.search(name) and value) or in_url.search(value)}
    assert filled == set()


SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."
    r"|(?i:password|passwd|secret|token)[a-z_]*\s*[:=]\s*[\"'][A-Za-z0-9+/_-]{16,}[\"']"
)


def test_no_file_holds_a_secret() -> None:
    # Tests make up tokens of their own; those open nothing.
    sources = [path for path in _tracked() if "tests" not in path.relative_to(ROOT).parts]
    found = [path for path in sources if SECRETS.search(path.read_text(errors="replace"))]
    assert found == []


@pytest.mark.parametrize(
    "text", ["AKIA" + "A" * 16, "ghp_" + "a" * 36, f"api_token = '{'x' * 20}'", f'Secret: "{"1" * 16}"']
)
def test_a_secret_would_be_seen(text: str) -> None:
    assert SECRETS.search(text)


REGISTRIES = [
    ".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("maven", "org"), ("npmjs", "org"))
]


def test_no_file_names_a_registry() -> None:
    found = [(path, host) for path in _tracked() for host in REGISTRIES if host in path.read_text(errors="replace")]
    assert found == []


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_the_promised_commands_exist() -> None:
    assert {"setup", "demo", "up", "down", "status", "test", "check", "bench", "chaos", "help"} <= _make_targets()


def test_documents_name_commands_that_exist() -> None:
    documents = _tracked(".md")
    assert ROOT / "README.md" in documents
    told = {(path.name, name) for path in documents for name in _make_commands(path.read_text())}
    assert sorted(entry for entry in told if entry[1] not in _make_targets()) == []


def _make_commands(text: str) -> list[str]:
    """The targets that a document tells people to make: in code alone, as prose makes things too."""
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^(?:    |\$ )?(make .*)$", text, re.MULTILINE)
    return [name for snippet in code for name in re.findall(r"\bmake ([a-z][a-z-]*)", snippet)]


def test_a_wrong_command_would_be_seen() -> None:
    assert _make_commands("Run `make demo ONCE=1`, then\n\n    make nothing\n\nand make sure of it.") == [
        "demo",
        "nothing",
    ]


@pytest.mark.parametrize("document", _tracked(".md"), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_documents_resolve(document: Path) -> None:
    assert list(_dead_links(document)) == []


def _dead_links(document: Path) -> Iterator[str]:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        path = (document.parent / target) if target else document
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in _anchors(path)):
            yield link


def _anchors(document: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_a_dead_link_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One: two\n[a](page.md#one-two) [b](#one-two) [c](nothing.md) [d](#three) [e](https://example.com)"
    )
    assert list(_dead_links(page)) == ["nothing.md", "#three"]


def test_tests_are_no_packages_and_hide_no_library() -> None:
    tests = ROOT / "tests"
    assert list(tests.rglob("__init__.py")) == []
    assert [path for path in tests.rglob("*") if path.is_dir() and path.name in {"airflow", "langgraph"}] == []


def test_files_stay_readable() -> None:
    long = {path: len(path.read_text().splitlines()) for path in _tracked(".py")}
    assert {path: lines for path, lines in long.items() if lines > 300} == {}
