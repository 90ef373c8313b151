"""Unix sockets: where they are, since their paths must be short."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

# A socket's path may have 107 bytes; the longest name in such a folder is `supervisor.sock.<pid>`.
LONGEST_FOLDER = 80


def remove_socket_folder(folder: Path) -> None:
    """Remove an empty folder of sockets: nobody else would, in the temporary directory."""
    with contextlib.suppress(OSError):
        folder.rmdir()


def socket_folder(wanted: Path) -> Path:
    """`wanted`, or a folder of the temporary directory that is always the same for `wanted` when that is too long."""
    if len(os.fsencode(wanted)) <= LONGEST_FOLDER:
        return wanted
    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tradewind-{name}"
