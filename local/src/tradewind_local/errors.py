"""What can go wrong on the way up. Each message says what to do."""

from pathlib import Path


class LocalError(Exception):
    """The local stack cannot go on; the message says why and what to do."""


class DownloadError(LocalError):
    """A jar could not be fetched."""


class ChecksumError(LocalError):
    """A jar is not the one that the lock file names."""


class BuildError(LocalError):
    """A program could not be built."""


class PortInUseError(LocalError):
    """Another process listens on a port that a part needs."""


class PartError(LocalError):
    """A part died, or was not ready in time."""

    @classmethod
    def with_log(cls, part: str, what: str, log: Path, lines: int = 15) -> "PartError":
        """The error with the last `lines` of the part's log and the log's path."""
        tail = "\n".join(f"    {line}" for line in last_lines(log, lines)) or "    (the log is empty)"
        return cls(f"{part} {what}. The end of its log:\n{tail}\n  The whole log: {log}")


def last_lines(log: Path, count: int, tail_bytes: int = 65536) -> list[str]:
    """The last `count` lines of a text file, of which at most `tail_bytes` are read; none when it is missing."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - tail_bytes))
        return file.read().decode(errors="replace").splitlines()[-count:]
