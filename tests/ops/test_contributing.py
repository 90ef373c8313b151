"""Files and functions that CONTRIBUTING.md names exist."""

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"

NAME = re.compile(r"tradewind_\w+(?:\.\w+)+")
FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
FILE_ENDINGS = (".py", ".md", ".toml", ".lock", ".yml", ".example")
MADE_ON_THE_MACHINE = (".local/", ".venv/")


def test_every_file_and_function_of_the_page_exists() -> None:
    text = PAGE.read_text()
    assert list(missing(text)) == []
    assert len(list(functions(text))) > 30
    assert len(list(files(text))) > 30


def test_a_missing_one_would_be_found() -> None:
    names = (
        "tradewind_contracts.run_ids.new",
        "tradewind_contracts.run_ids.old",
        "docs/api.md",
        "docs/none.md",
        "none/",
        "a b/c",
    )
    text = " ".join(f"`{name}`" for name in names)
    assert list(missing(text)) == ["tradewind_contracts.run_ids.old", "docs/none.md", "none/"]


def missing(text: str) -> Iterator[str]:
    yield from (name for name in functions(text) if not resolves(name))
    yield from (path for path in files(text) if not (ROOT / path).exists())


def functions(text: str) -> Iterator[str]:
    return (code for code in snippets(text) if NAME.fullmatch(code))


def files(text: str) -> Iterator[str]:
    paths = (code for code in snippets(text) if FILE.fullmatch(code) and not NAME.fullmatch(code))
    return (
        path
        for path in paths
        if ("/" in path or path.endswith(FILE_ENDINGS)) and not path.startswith(MADE_ON_THE_MACHINE)
    )


def snippets(text: str) -> list[str]:
    return re.findall(r"`([^`\n]+)`", text)


def resolves(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
