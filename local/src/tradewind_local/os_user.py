"""The system user that runs PostgreSQL, which refuses to run as root: ourselves, or an own user when we are root."""

import os
import pwd
import stat
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from tradewind_local.errors import LocalError

# The name that the wheel itself uses.
SERVER_USER = "pgserver"


def server_user() -> str | None:
    """The user to run the server as; None when we are not root and run it as ourselves."""
    if os.geteuid() != 0:
        return None
    # Several processes may find it missing at once; useradd lets one of them win.
    for _ in range(20):
        if _exists(SERVER_USER):
            return SERVER_USER
        command = ["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVER_USER]
        subprocess.run(command, capture_output=True, check=False)  # noqa: S603 our own command line
        time.sleep(0.1)
    raise LocalError(
        f"PostgreSQL does not run as root, and the system user {SERVER_USER!r} could not be made (useradd). "
        "Make it yourself, or run as a normal user."
    )


class Identity(NamedTuple):
    """User, group and further groups that `subprocess` gives to a process; None: as ours."""

    user: int | None = None
    group: int | None = None
    extra_groups: tuple[int, ...] | None = None


def server_identity() -> Identity:
    """User and groups of the server. The groups too: with root's it would be held to root's group's rights."""
    name = server_user()
    if name is None:
        return Identity()
    entry = pwd.getpwnam(name)
    return Identity(entry.pw_uid, entry.pw_gid, ())


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def own_folder(folder: Path) -> None:
    """Make `folder` (mode 700) the server user's own. Raises LocalError when it is another user's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uid = server_identity().user or os.geteuid()
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {uid, os.geteuid()}:
        raise LocalError(f"{folder} belongs to somebody else; remove it, or choose another home with TRADEWIND_HOME")
    os.chown(folder, uid, -1, follow_symlinks=False)
    folder.chmod(0o700)
    open_way_to(folder)


def open_tree(tree: Path) -> None:
    """Let the server user read and run what its owner may read and run in `tree`, and reach it.

    Needed only when we are root and the packages were installed for root alone (umask 077).
    """
    if server_user() is None:
        return
    open_way_to(tree)
    for path in [tree, *tree.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | (mode & stat.S_IRWXU & ~stat.S_IWUSR) >> 6
        if wanted != mode:
            path.chmod(wanted)


def open_way_to(path: Path) -> None:
    """Let the server user pass through the folders above `path`. Needed only when we are root.

    The folders get the right to be passed (`o+x`), not the right to be listed.
    """
    if server_user() is None:
        return
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
