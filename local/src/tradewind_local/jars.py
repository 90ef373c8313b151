"""Kafka's jars: fetched once by jgo, checked against `kafka-jars.lock` before every use.

jgo knows where the jars are kept, and needs neither Java nor Maven. The coordinates are pinned, so nothing is resolved.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import jgo.maven
import requests

from tradewind_local.errors import ChecksumError, DownloadError
from tradewind_local.locks import exclusive

LOCK_FILE = Path(__file__).with_name("kafka-jars.lock")


@dataclass(frozen=True)
class Jar:
    """One pinned jar: Maven coordinates and the sha256 of its bytes, in hex."""

    group: str
    artifact: str
    version: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> "Jar":
        """A jar from `group:artifact:version sha256`."""
        coordinates, sha256 = line.split()
        group, artifact, version = coordinates.split(":")
        return cls(group, artifact, version, sha256)

    @property
    def coordinates(self) -> str:
        """Maven's coordinates, `group:artifact:version`."""
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(lock_file: Path = LOCK_FILE) -> list[Jar]:
    """The pinned jars, in the order of the file."""
    lines = lock_file.read_text().splitlines()
    return [Jar.parse(line) for line in lines if line and not line.startswith("#")]


def fetch_jars(cache: Path, lock_file: Path = LOCK_FILE, repositories: dict[str, str] | None = None) -> list[Path]:
    """The checked jars, sorted by path; those that `cache` lacks are downloaded. Safe in several processes at once.

    `repositories`: name and address of Maven repositories; jgo's own when None.
    Raises DownloadError (no network and not in the cache) and ChecksumError.
    """
    context = jgo.maven.MavenContext(repo_cache=cache / "maven", remote_repos=repositories, timeout=30)
    with exclusive(cache / "maven.lock"), ThreadPoolExecutor(8) as threads:
        return sorted(threads.map(lambda jar: _checked(context, jar), read_lock(lock_file)))


def _checked(context: jgo.maven.MavenContext, jar: Jar) -> Path:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    cached = artifact.cached_path
    # A file of the wrong content is the rest of a download that was cut off: fetch it once more.
    if cached and cached.exists() and not _matches(cached, jar):
        cached.unlink()
    path = _download(artifact, jar)
    if not _matches(path, jar):
        path.unlink()
        raise ChecksumError(
            f"{jar.coordinates} as downloaded is not the jar that {LOCK_FILE.name} names (its sha256 differs). "
            "Something on the way changes files, or the lock is wrong: do not use it before you know which."
        )
    return path


def _download(artifact: jgo.maven.Artifact, jar: Jar) -> Path:
    try:
        return artifact.resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise DownloadError(
            f"{jar.coordinates} is not in the cache and could not be downloaded ({type(error).__name__}). "
            "The first start needs the network once (44 MB): check the connection and the proxy (HTTPS_PROXY) and run "
            "it again. Or copy a filled cache folder and name it in TRADEWIND_CACHE_DIR. "
            "Or set KAFKA_BOOTSTRAP_SERVERS to a broker that runs already."
        ) from error


def _matches(path: Path, jar: Jar) -> bool:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
