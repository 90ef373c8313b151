"""Folders of blotters and results. Paths are untrusted: none may lead out of its folder."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

DATA_DIR = "TRADEWIND_DATA_DIR"
OUTPUT_DIR = "TRADEWIND_OUTPUT_DIR"


class FolderError(ValueError):
    """A folder that is not set, or a path that leads out of it."""


@dataclass(frozen=True)
class Folders:
    """`data` holds the blotters, `output` gets a folder per run; every Airflow worker must see both."""

    data: Path
    output: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read `TRADEWIND_DATA_DIR`, and `TRADEWIND_OUTPUT_DIR` (`output` below the data folder when not set)."""
        data = environment.get(DATA_DIR)
        if not data:
            raise FolderError(f"set {DATA_DIR} to the folder that holds the blotters, for every Airflow process")
        return cls(Path(data), Path(environment.get(OUTPUT_DIR) or Path(data) / "output"))

    def blotter(self, relative: str) -> Path:
        """Return the path of a blotter; raise `FolderError` if it leads out of the data folder, also by a link."""
        return _below(self.data, relative)

    def of_run(self, workflow_id: str, run_id: str) -> Path:
        """Return the folder of a run's results, created if necessary."""
        folder = _below(_below(self.output, workflow_id), run_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _below(folder: Path, relative: str) -> Path:
    root = folder.resolve()
    if "\0" in relative or os.path.isabs(relative):  # noqa: PTH117  # a text, not yet a path
        raise FolderError(f"{relative[:80]!r} is not a path below {root}")
    path = (root / relative).resolve()
    if path == root or not path.is_relative_to(root):
        raise FolderError(f"{relative[:80]!r} leads out of {root}")
    return path
