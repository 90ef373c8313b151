"""Folders of sockets, whose paths have a greatest length."""

from pathlib import Path

from tradewind_local.sockets import LONGEST_FOLDER, socket_folder


def test_a_socket_in_a_deep_folder_is_in_the_temporary_one() -> None:
    deep = Path("/" + "d" * LONGEST_FOLDER)
    assert socket_folder(Path("/short")) == Path("/short")
    assert len(str(socket_folder(deep))) < LONGEST_FOLDER
    assert socket_folder(deep) == socket_folder(deep) != socket_folder(deep / "other")
