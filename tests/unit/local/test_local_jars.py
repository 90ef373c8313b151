"""Kafka's jars: pinned, checked before use, fetched once."""

import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tradewind_local.errors import ChecksumError, DownloadError
from tradewind_local.jars import fetch_jars, read_lock

JAR = b"PK\x03\x04 not much of a jar"
PATH = "org/example/thing/1.0/thing-1.0.jar"


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder and counts what it served."""

    served: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.served.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's own name
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A Maven repository on the loopback interface that holds one jar."""
    folder = tmp_path / "repository"
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(JAR)
    QuietHandler.served.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield {"test": f"http://127.0.0.1:{server.server_address[1]}"}
        server.shutdown()
        thread.join()


def lock(tmp_path: Path, content: bytes = JAR) -> Path:
    """A lock file that names the jar with the sha256 of `content`."""
    file = tmp_path / "test.lock"
    file.write_text(f"# a comment\norg.example:thing:1.0 {hashlib.sha256(content).hexdigest()}\n")
    return file


def test_the_lock_pins_the_whole_broker() -> None:
    jars = read_lock()
    assert len(jars) == 46
    assert {jar.version for jar in jars if jar.group == "org.apache.kafka"} == {"4.3.1"}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)
    assert len({(jar.group, jar.artifact) for jar in jars}) == len(jars)


def test_a_jar_is_downloaded_once(tmp_path: Path, repository: dict[str, str]) -> None:
    first = fetch_jars(tmp_path / "cache", lock(tmp_path), repository)
    assert [path.read_bytes() for path in first] == [JAR]
    downloads = QuietHandler.served.count(f"/{PATH}")
    assert fetch_jars(tmp_path / "cache", lock(tmp_path), repository) == first
    assert QuietHandler.served.count(f"/{PATH}") == downloads == 1


def test_two_first_starts_at_once_share_one_download(tmp_path: Path, repository: dict[str, str]) -> None:
    lock_file = lock(tmp_path)

    def fetch(_: int) -> list[Path]:
        return fetch_jars(tmp_path / "cache", lock_file, repository)

    with ThreadPoolExecutor(6) as threads:
        assert len({tuple(paths) for paths in threads.map(fetch, range(6))}) == 1
    assert QuietHandler.served.count(f"/{PATH}") == 1


def test_another_jar_than_the_locked_one_is_refused_and_not_kept(tmp_path: Path, repository: dict[str, str]) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(ChecksumError, match=r"org\.example:thing:1\.0 .*sha256 differs"):
        fetch_jars(cache, lock(tmp_path, b"what was locked"), repository)
    assert not list(cache.rglob("*.jar"))


def test_a_download_that_was_cut_off_is_done_again(tmp_path: Path, repository: dict[str, str]) -> None:
    half = tmp_path / "cache" / "maven" / PATH
    half.parent.mkdir(parents=True)
    half.write_bytes(JAR[:5])
    assert [path.read_bytes() for path in fetch_jars(tmp_path / "cache", lock(tmp_path), repository)] == [JAR]


def test_without_network_the_message_says_what_to_do(tmp_path: Path) -> None:
    nobody = {"test": "http://127.0.0.1:9"}
    with pytest.raises(DownloadError) as error:
        fetch_jars(tmp_path / "cache", lock(tmp_path), nobody)
    for hint in ("org.example:thing:1.0", "HTTPS_PROXY", "TRADEWIND_CACHE_DIR", "KAFKA_BOOTSTRAP_SERVERS"):
        assert hint in str(error.value)


def test_a_filled_cache_needs_no_network(tmp_path: Path) -> None:
    cached = tmp_path / "cache" / "maven" / PATH
    cached.parent.mkdir(parents=True)
    cached.write_bytes(JAR)
    assert fetch_jars(tmp_path / "cache", lock(tmp_path), {"test": "http://127.0.0.1:9"}) == [cached]
