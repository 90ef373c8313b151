"""The reader who runs the guides' blocks: keeps what was set, and stops where a block fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.documents import FILE, NOT_RUN, Block
from support.reader_session import BlockFailedError, Reader


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with Reader(tmp_path, {"GIVEN": "by the environment"}) as reader:
        yield reader


def bash(text: str, info: str = "") -> Block:
    return Block("here:1", "bash", info, text)


def python(text: str) -> Block:
    return Block("here:2", "python", "", text)


def test_a_session_keeps_what_was_set(reader: Reader) -> None:
    assert reader.run(bash('echo "$GIVEN"; OWN=1; export TOLD="a b"; say() { echo "said $1"; }')).split("\n")[0] == (
        "by the environment"
    )
    assert reader.run(bash('say "$OWN"')).strip() == "said 1"
    assert reader.run(python("import os\ntold = os.environ['TOLD']\nprint(os.environ.get('OWN'))")).strip() == "None"
    assert reader.run(python("print(told)")).strip() == "a b"


def test_a_command_cannot_eat_the_next_block(reader: Reader) -> None:
    assert not reader.run(bash("cat")).strip()
    assert reader.run(bash("echo still here")).strip() == "still here"


@pytest.mark.parametrize(
    "block",
    [bash("false"), bash("false | true"), bash("echo $NOT_SET"), bash("if then"), python("1/0"), python("def")],
    ids=lambda block: block.text,
)
def test_a_block_that_fails_is_told_with_what_it_said(reader: Reader, block: Block) -> None:
    with pytest.raises(BlockFailedError, match="here:"):
        reader.run(block)


def test_blocks_are_saved_and_left_out_as_they_ask(reader: Reader, tmp_path: Path) -> None:
    found = [bash("one", f"{FILE}folder/one.sh"), bash("false", f"{NOT_RUN}it fails"), bash("cat folder/one.sh")]
    assert [got.strip() for _, got in reader.work_through(found)] == ["one"]
    assert (tmp_path / "folder" / "one.sh").read_text() == "one"
