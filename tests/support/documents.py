"""A Markdown document as its reader works through it: blocks to run, what they print, tables to look things up in."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"

RUNNABLE = ("bash", "python")
OUTPUTS = ("text", "json")
NOT_RUN = "not-run: "
"""What a fence says behind its language when its block is only shown; the reason follows. Viewers do not show it."""

FILE = "file: "
"""What a fence says when its block is to be saved; the path follows."""

_FENCE = re.compile(r"^```(\w+)[ ]?(.*)\n((?:.*\n)*?)```$", re.MULTILINE)
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\"[0-9a-f]{32}\""), "<etag>"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<server>"),
)
"""What is another one each time."""


@dataclass(frozen=True)
class Block:
    """A fenced block. `printed` is the block of output that follows it, if one does."""

    where: str
    language: str
    info: str
    text: str
    printed: "Block | None" = None

    @property
    def runs(self) -> bool:
        """Whether a reader is to run it."""
        return self.language in RUNNABLE and not self.info.startswith((NOT_RUN, FILE))

    @property
    def path(self) -> str | None:
        """Where a reader is to save it."""
        return self.info.removeprefix(FILE) if self.info.startswith(FILE) else None


def blocks(document: Path) -> list[Block]:
    """Return the fenced blocks, each of the outputs with what prints it as well."""
    content = document.read_text()
    found = [
        Block(f"{document.name}:{content.count(chr(10), 0, match.start()) + 1}", match[1], match[2], match[3])
        for match in _FENCE.finditer(content)
    ]
    following = [*found[1:], None]
    return [
        Block(block.where, block.language, block.info, block.text, after)
        if block.language in RUNNABLE and after and after.language in OUTPUTS
        else block
        for block, after in zip(found, following, strict=True)
    ]


def differences(block: Block, got: str) -> str:
    """Return how what a block printed differs from what the document shows; empty where it does not.

    Ids, times, ETags and addresses are others each time. `...` stands for anything.
    """
    shown = block.printed
    if shown is None:
        return ""
    if shown.language == "json":
        return _json_differences(shown, got)
    if OutputChecker().check_output(masked(shown.text), masked(got), ELLIPSIS | NORMALIZE_WHITESPACE):
        return ""
    return f"{shown.where} shows\n{shown.text}\nbut {block.where} printed\n{got}"


def masked(text: str) -> str:
    """Return the text with a word in the place of what is another one each time."""
    for pattern, word in _MASKS:
        text = pattern.sub(word, text)
    return text


def _json_differences(shown: Block, got: str) -> str:
    try:
        same = _fits(json.loads(masked(shown.text)), json.loads(masked(got)))
    except ValueError as error:
        return f"{shown.where} shows JSON, but this is none ({error}):\n{got}"
    return "" if same else f"{shown.where} shows\n{shown.text}\nbut it is\n{got}"


def _fits(shown: Any, got: Any) -> bool:
    """Whether a value is as it is shown: `"..."` is any value, and a key `"..."` any further members."""
    if shown == "...":
        return True
    if isinstance(shown, dict) and isinstance(got, dict):
        named = shown.keys() - {"..."}
        complete = named <= got.keys() if "..." in shown else named == got.keys()
        return complete and all(_fits(shown[name], got[name]) for name in named)
    if isinstance(shown, list) and isinstance(got, list):
        if shown[-1:] == ["..."]:
            shown, got = shown[:-1], got[: len(shown) - 1]
        return len(shown) == len(got) and all(map(_fits, shown, got))
    return bool(shown == got)


def table(document: Path, first_heading: str) -> list[dict[str, str]]:
    """Return the rows of the table whose first column is headed so, without the marks of code."""
    rows = list(_rows(document.read_text().splitlines(), first_heading))
    heads, body = rows[0], rows[2:]
    return [dict(zip(heads, row, strict=True)) for row in body]


def _rows(lines: list[str], first_heading: str) -> Iterator[list[str]]:
    begin = next(place for place, line in enumerate(lines) if line.startswith(f"| {first_heading} |"))
    for line in lines[begin:]:
        if not line.startswith("|"):
            return
        yield [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
