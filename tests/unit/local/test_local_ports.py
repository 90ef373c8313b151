"""Ports: free ones, taken ones, remembered ones."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tradewind_local.errors import PortInUseError
from tradewind_local.ports import CANDIDATES, PortBook, can_bind, free_port, is_listening, require_free


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_free_port_can_be_listened_on() -> None:
    port = free_port()
    assert port in CANDIDATES
    assert can_bind(port)
    assert not is_listening(port)


def test_a_taken_port_is_named_with_its_owner_and_the_variable(taken: int) -> None:
    assert is_listening(taken)
    with pytest.raises(PortInUseError) as error:
        require_free(taken, "kafka", "TRADEWIND_KAFKA_PORT")
    for hint in (f"port {taken}", "kafka", "TRADEWIND_KAFKA_PORT", f"(pid {os.getpid()})"):
        assert hint in str(error.value)


def test_a_free_port_is_not_refused() -> None:
    require_free(free_port(), "kafka", "TRADEWIND_KAFKA_PORT")


def test_a_chosen_port_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    chosen = {name: PortBook(path).port(name) for name in ("kafka", "api")}
    assert {name: PortBook(path).port(name) for name in chosen} == chosen


def test_a_chosen_port_that_another_took_is_forgotten(tmp_path: Path, taken: int) -> None:
    path = tmp_path / "ports.json"
    path.write_text(json.dumps({"kafka": taken, "api": free_port()}))
    PortBook(path).forget_taken()
    assert list(json.loads(path.read_text())) == ["api"]
    assert PortBook(path).port("kafka") != taken


def test_a_host_that_nobody_knows_does_not_listen() -> None:
    assert not is_listening(9092, "no-such-host.invalid")


def test_a_configured_port_is_taken_as_it_is(tmp_path: Path) -> None:
    book = PortBook(tmp_path / "ports.json")
    book.port("api")
    assert book.port("api", configured=8000) == 8000
