"""A reader at work: one shell and one Python session, which keep what earlier blocks of a document have set."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from support.documents import Block

DONE = "the block is done"

_PYTHON = f"""
import json, os, sys
scope = {{"__name__": "__main__"}}
for line in sys.stdin:
    block = json.loads(line)
    os.environ |= block["environment"]
    exec(compile(block["text"], block["where"], "exec"), scope)
    print("\\n{DONE}", flush=True)
"""


class BlockFailedError(AssertionError):
    """A block of a document did not end as it should."""


class Reader:
    """Runs the blocks of one document, in order, in `folder`."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._variables = folder / ".variables"
        # As in a script of the reader's own: the first command that fails, or variable that is not set, ends it.
        self._bash = _start(["bash", "-euo", "pipefail", "-s"], folder, environment)
        self._python = _start([sys.executable, "-W", "error", "-c", _PYTHON], folder, environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._bash, self._python):
            process.kill()
            process.communicate()

    def work_through(self, found: Iterable[Block]) -> Iterator[tuple[Block, str]]:
        """Save and run the blocks that are to be; yield each that was run, with what it printed."""
        for block in found:
            if block.path:
                (self._folder / block.path).parent.mkdir(parents=True, exist_ok=True)
                (self._folder / block.path).write_text(block.text)
            elif block.runs:
                yield block, self.run(block)

    def run(self, block: Block) -> str:
        """Return what a block prints; raise `BlockFailedError`."""
        if block.language == "bash":
            # Its commands must not read what the shell has to.
            text = f"{{\n{block.text}\n}} </dev/null\nenv -0 >'{self._variables}'\nprintf '\\n%s\\n' '{DONE}'\n"
            return _told(self._bash, text, block)
        told = {"text": block.text, "where": block.where, "environment": self._exported()}
        return _told(self._python, json.dumps(told) + "\n", block)

    def _exported(self) -> dict[str, str]:
        if not self._variables.exists():
            return {}
        rows = self._variables.read_text().rstrip("\0").split("\0")
        return dict(row.split("=", 1) for row in rows)


def _start(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _told(process: subprocess.Popen[str], text: str, block: Block) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(text)
    process.stdin.flush()
    lines: list[str] = []
    for line in process.stdout:
        if line.rstrip("\n") == DONE:
            return "".join(lines)
        lines.append(line)
    raise BlockFailedError(f"{block.where} failed with exit code {process.wait()}:\n{block.text}\n{''.join(lines)}")
