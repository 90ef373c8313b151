"""docs/deployment.md, word for word: a reader with a copy of the repository comes to a running, restored system."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from support.compose.callers import EXAMPLE, TRIAGE, Callers
from support.compose.project import Project, write_env
from support.documents import DOCS, Block, blocks, differences
from support.reader_session import BlockFailedError, Reader
from tradewind_local.repository import ROOT

GUIDE = DOCS / "deployment.md"
BACKUP = "kafka.tar.gz"
CLIENT = ("DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_BUILDKIT")


@pytest.fixture
def reader(built: Project, tmp_path: Path) -> Iterator[Callers]:
    """A reader's copy of the repository and what it will start: the core, as Grafana's image cannot be had."""
    folder = tmp_path / "tradewind"
    _copy_repository(folder)
    name = f"{built.name}-docs"
    write_env(folder / ".env", COMPOSE_PROFILES="", COMPOSE_PROJECT_NAME=name)
    project = Project(built.engine, name, folder / ".env")
    yield Callers(project)
    project.down("--volumes", "--timeout", "10")


def test_the_guides_commands_work(reader: Callers) -> None:
    environment = {name: value for name, value in reader.project.engine.variables.items() if name in CLIENT}
    story = Story(reader)
    try:
        with Reader(reader.project.env.parent, environment) as session:
            for block, got in session.work_through(blocks(GUIDE)):
                assert not (difference := differences(block, got)), difference
                story.after(block)
    except BlockFailedError as error:
        raise AssertionError(f"{error}\n{reader.project.sick()}") from None
    assert story.restored


@dataclass
class Story:
    """What happens to the reader's system between the guide's blocks."""

    callers: Callers
    kept: list[str] = field(default_factory=list)
    lost: str = ""
    restored: bool = False

    def after(self, block: Block) -> None:
        """Runs before the backup, one after it; after the restore those of before are there, and that one is not."""
        if BACKUP in block.text:
            self._after_restore() if self.lost else self._after_backup()
        elif not self.kept and self.callers.project.containers("fastapi"):
            self.kept = [self.callers.trigger(body) for body in (EXAMPLE, TRIAGE)]
            self.callers.check_ran_once(*self.kept)

    def _after_backup(self) -> None:
        self.lost = self.callers.trigger(EXAMPLE)
        self.callers.check_ran_once(self.lost)

    def _after_restore(self) -> None:
        self.callers.check_ran_once(*self.kept)
        assert self.callers.runs(self.lost) == 0
        self.callers.check_ran_once(*(self.callers.trigger(body) for body in (EXAMPLE, TRIAGE)))
        self.restored = True


def _copy_repository(folder: Path) -> None:
    listed = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
