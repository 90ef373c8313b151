"""One Compose project for all of these tests: built, started once, and gone with its volumes afterwards."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.compose import bases, plugin
from support.compose.bases import Found
from support.compose.callers import Callers
from support.compose.engine import Engine, engine
from support.compose.project import Project, project
from support.compose.summary import Summary
from tradewind_local.repository import ROOT

HERE = Path(__file__).parent
ORDER = [f"test_compose_{name}" for name in ("start", "demo", "metrics", "secrets", "keep", "kill", "scale", "docs")]
SUMMARY = pytest.StashKey[Summary]()


def pytest_configure(config: pytest.Config) -> None:
    """A summary that the tests fill."""
    config.stash[SUMMARY] = Summary()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In the order of a system's life; and minutes, where other tests have seconds: the first one builds all images."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker(pytest.mark.timeout(3600))
    places = [place for place, item in enumerate(items) if item in ours]
    for place, item in zip(places, sorted(ours, key=lambda item: ORDER.index(item.path.stem)), strict=True):
        items[place] = item


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What ran, what stood in, and the figures."""
    terminalreporter.write(config.stash[SUMMARY].text())


@pytest.fixture(scope="session")
def summary(pytestconfig: pytest.Config) -> Summary:
    """What is told at the end."""
    return pytestconfig.stash[SUMMARY]


@pytest.fixture(scope="session")
def progress(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Says a line at once: the first test takes minutes before it begins."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
    assert capture
    assert reporter

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"  {line}")

    return say


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """The engine that runs; else one of the suite's own, whose images stay in `.local/docker`."""
    with engine(ROOT / ".local" / "docker") as found:
        yield plugin.with_compose(found, ROOT / ".local" / "docker-client")


@pytest.fixture(scope="session")
def base_images(docker: Engine, progress: Callable[[str], None]) -> list[Found]:
    """The base images, pulled or made."""
    found = []
    progress("the images that ours and docker-compose.yml begin with: pulled, or a stand-in built")
    for base in bases.ensure(docker):
        progress(f"{base.tag:<40} {base.seconds:5.0f} s  {base.difference or 'the real one'}")
        found.append(base)
    return found


@pytest.fixture(scope="session")
def built(
    docker: Engine,
    base_images: list[Found],
    summary: Summary,
    tmp_path_factory: pytest.TempPathFactory,
    progress: Callable[[str], None],
) -> Iterator[Project]:
    """The project with its images built, not started."""
    progress("our own images: docker compose build")
    summary.bases, summary.left_out = base_images, bases.left_out(docker)
    folder = tmp_path_factory.mktemp("project")
    for made in project(docker, folder, frozenset(summary.left_out)):
        summary.built(made)
        yield made
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def running(built: Project, summary: Summary, progress: Callable[[str], None]) -> Project:
    """The project, started for the first time: every service is healthy."""
    progress("all services: docker compose up --wait")
    summary.cold_start = built.up()
    summary.started(built)
    return built


@pytest.fixture(scope="session")
def callers(running: Project) -> Callers:
    """Those who use it."""
    return Callers(running)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """A folder for what is copied into the workers' volume."""
    return tmp_path / "data"
