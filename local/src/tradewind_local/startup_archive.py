"""The broker's classes as the JVM has them after start, kept in a file (JEP 483, JEP 514): it starts in 1.1 s, not 2.4.

Made once by a broker that starts, answers and stops; without it everything works, only slower.
"""

import hashlib
import logging
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tradewind_local.errors import LocalError
from tradewind_local.locks import exclusive

LOG = logging.getLogger(__name__)
TRAINING_SECONDS = 90


def path_in(cache: Path, command: list[str]) -> Path:
    """Where the archive of `command` is stored: only the same JVM with the same class path can use it."""
    key = hashlib.sha256("\0".join(command).encode()).hexdigest()[:16]
    return cache / f"kafka-{key}.aot"


def ensure(archive: Path, train: Callable[[Path, list[str]], subprocess.Popen[bytes]]) -> list[str]:
    """The JVM's options to use `archive`, which is made when missing; none when it cannot be made.

    `train(folder, options)` gives a running broker that serves, with `options` and its files in `folder`.
    """
    with exclusive(archive.with_suffix(".lock")):
        if not archive.exists():
            _make(archive, train)
    return [f"-XX:AOTCache={archive}"] if archive.exists() else []


def _make(archive: Path, train: Callable[[Path, list[str]], subprocess.Popen[bytes]]) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="training-") as folder:
        draft = Path(folder) / archive.name
        start = time.monotonic()
        try:
            process = train(Path(folder), [f"-XX:AOTCacheOutput={draft}"])
            process.terminate()
            process.wait(TRAINING_SECONDS)
            draft.replace(archive)
        except (OSError, LocalError, subprocess.SubprocessError):
            LOG.warning("no start-up archive for Kafka; it starts slower", exc_info=True)
        else:
            LOG.info("made %s in %.1f s", archive, time.monotonic() - start)
