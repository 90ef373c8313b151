"""The monitoring's programs: pinned, built once, and what is said when they cannot be."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tradewind_local.errors import BuildError, ChecksumError
from tradewind_local.monitoring import go_build, tools
from tradewind_local.monitoring.go_modules import GoModule, default_tools, read_lock

MODULE = GoModule(
    path="example.org/some/thing",
    version="v1.2.3",
    release="1.2.3",
    sum="h1:right",
    commands={"thing": ".", "thingctl": "./cmd/thingctl"},
    tags="small",
    absent="ui/index.html",
)


class FakeGo:
    """Does what uv and go do, by looking at their command lines."""

    def __init__(self, module_sum: str = "h1:right") -> None:
        self.commands: list[list[str]] = []
        self._sum = module_sum

    def __call__(self, command: list[str], folder: Path, environment: dict[str, str]) -> str:
        self.commands.append(command)
        if "uv" in command:
            program = Path(command[command.index("--target") + 1]) / "go" / "bin" / "go"
            program.parent.mkdir(parents=True)
            program.touch()
        elif command[1:3] == ["mod", "download"]:
            assert environment["GOTOOLCHAIN"] == "local"
            source = folder / "downloaded"
            source.mkdir(exist_ok=True)
            (source / "main.go").write_text("package main\n")
            return json.dumps({"Dir": str(source), "Sum": self._sum})
        else:
            assert (folder / "ui" / "index.html").exists(), "what the module lacks is put in before the build"
            Path(command[command.index("-o") + 1]).touch()
        return ""


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """Stands in for the toolchain."""
    fake = FakeGo()
    monkeypatch.setattr(go_build, "_run", fake)
    return fake


def test_a_module_is_built_once(go: FakeGo, tmp_path: Path) -> None:
    reports: list[str] = []
    for _ in range(2):
        go_build.ensure([MODULE, MODULE], tmp_path, lambda what, _: reports.append(what))
    assert sorted(path.name for path in MODULE.folder(tmp_path).iterdir()) == ["thing", "thingctl"]
    assert reports == ["thing 1.2.3 built"]
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("build-")] == [], "the scratch is gone"
    build = go.commands[-1]
    assert build[build.index("-tags") + 1] == "small"
    assert build[-1] == "./cmd/thingctl"
    assert build[build.index("-ldflags") + 1].endswith("version.Version=1.2.3")
    assert len(go.commands) == 4


def test_modules_share_a_toolchain(go: FakeGo, tmp_path: Path) -> None:
    other = replace(MODULE, path="example.org/some/other", commands={"other": "."})
    go_build.ensure([MODULE, other], tmp_path, lambda *_: None)
    assert MODULE.is_built(tmp_path)
    assert other.is_built(tmp_path)
    assert len([command for command in go.commands if "uv" in command]) == 1


def test_a_major_version_is_no_name() -> None:
    assert GoModule("example.org/some/thing/v5", "v5.6.0", "5.6.0", "h1:x", {}).name == "thing"


def test_another_release_has_another_folder(tmp_path: Path) -> None:
    other = GoModule(MODULE.path, "v2.0.0", "2.0.0", MODULE.sum, MODULE.commands)
    assert other.folder(tmp_path) != MODULE.folder(tmp_path)


def test_a_module_that_is_not_the_pinned_one_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_build, "_run", FakeGo("h1:wrong"))
    with pytest.raises(ChecksumError, match=r"example\.org/some/thing v1\.2\.3 as downloaded is not the module"):
        go_build.ensure([MODULE], tmp_path, lambda *_: None)
    assert not MODULE.is_built(tmp_path)


def test_a_failed_build_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(go_build, "TOOLCHAIN_LOCK", tmp_path / "missing.lock")
    with pytest.raises(BuildError, match=r"(?s)failed:.*missing\.lock.*TRADEWIND_TOOLS_DIR"):
        go_build.ensure([MODULE], tmp_path / "tools", lambda *_: None)
    assert [path.name for path in (tmp_path / "tools").iterdir()] == ["build.lock"]


def test_every_module_is_pinned_by_its_sum() -> None:
    modules = read_lock()
    assert all(module.sum.startswith("h1:") and len(module.sum) == 47 for module in modules)
    assert len({module.name for module in modules}) == len(modules)


def test_the_tools_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TRADEWIND_TOOLS_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_tools() == tmp_path / "tradewind"
    monkeypatch.setenv("TRADEWIND_TOOLS_DIR", str(tmp_path / "own"))
    assert default_tools() == tmp_path / "own"


def run_tools(*names: str, tools_dir: Path) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    environment = {"TRADEWIND_TOOLS_DIR": str(tools_dir), "PATH": ""}
    line = [sys.executable, "-m", "tradewind_local.monitoring.tools", *names]
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False)


def test_the_command_prints_paths(tmp_path: Path) -> None:
    for name in ("promtool", "prometheus"):
        path = tools.path(name, tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    done = run_tools("promtool", "prometheus", tools_dir=tmp_path)
    assert done.stdout.splitlines() == [str(tools.path(name, tmp_path)) for name in ("promtool", "prometheus")]


def test_the_command_names_what_there_is(tmp_path: Path) -> None:
    done = run_tools("kafkatool", tools_dir=tmp_path)
    assert done.returncode == 2
    assert "no such program: kafkatool; there are statsd_exporter, promtool" in done.stderr
