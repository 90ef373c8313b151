"""Each command that the guides show is run, in order, on the whole stack, and prints what they say it prints."""

import shutil
import sys
from pathlib import Path

import pytest

from support.documents import DOCS, blocks, differences
from support.reader_session import Reader
from support.whole_stack import WholeStack

ROOT = DOCS.parent
GUIDES = ("api.md", "integration-patterns.md")

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def repository(tmp_path: Path, stack: WholeStack) -> Path:
    """A clone as its reader sees it after `make up`: `.venv`, and the `.env` of this stack."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / ".env").symlink_to(stack.stack.settings.env_file)
    return tmp_path


def addresses(stack: WholeStack) -> dict[str, str]:
    """What a reader sets whose stack is not on the usual ports."""
    return {
        "API": stack.environment["TRADEWIND_API_URL"],
        "AIRFLOW": stack.environment["AIRFLOW_BASE_URL"],
        "KAFKA": stack.environment["KAFKA_BOOTSTRAP_SERVERS"],
    }


@pytest.mark.parametrize("guide", GUIDES)
def test_the_commands_print_what_the_guide_says(guide: str, stack: WholeStack, repository: Path) -> None:
    assert shutil.which("curl"), "the guides' commands need curl, which is not on this machine"
    with Reader(repository, addresses(stack)) as reader:
        for block, got in reader.work_through(blocks(DOCS / guide)):
            assert not (difference := differences(block, got)), difference
