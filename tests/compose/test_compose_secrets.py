"""No value of .env that is a secret can be seen anywhere but in the files of /run/secrets."""

import io
import secrets
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.compose.callers import EXAMPLE, TRIAGE, Callers
from support.compose.container import Container
from support.compose.exposure import SMALL, Search, secrets_of
from support.compose.project import Project
from support.compose.summary import Summary
from support.ingestion import until

PLANTED = ("environment", "label", "log", "argument")


@pytest.fixture
def planted(running: Project) -> Iterator[tuple[Container, dict[str, bytes]]]:
    """A throw-away container that shows a value in each of the ways that a container can."""
    values = {name: secrets.token_urlsafe(32) for name in PLANTED}
    shows = ["--env", f"X={values['environment']}", "--label", f"x={values['label']}"]
    script = ["-c", f"echo {values['log'][:20]}{values['log'][20:]}; while :; do sleep 1; done", values["argument"]]
    id_ = running.engine.docker("run", "--detach", *shows, "--entrypoint", "sh", SMALL, *script).strip()
    container = Container(running.engine, id_)
    until(container.logs)
    yield container, {name: value.encode() for name, value in values.items()}
    running.engine.docker("rm", "--force", id_)


@pytest.fixture
def planted_image(running: Project, tmp_path: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """An image with a value in a file of its only layer."""
    value = secrets.token_urlsafe(32).encode()
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as file:
        member = tarfile.TarInfo("etc/settings")
        member.size = len(value)
        file.addfile(member, io.BytesIO(value))
    tag = f"{running.name}-planted"
    running.engine.docker("import", str(archive), tag)
    yield tag, {"file": value}
    running.engine.docker("image", "rm", tag)


def test_a_value_that_is_shown_is_found(running: Project, planted: tuple[Container, dict[str, bytes]]) -> None:
    container, values = planted
    search = Search(running.engine, values)
    search.containers([container], SMALL)
    places = {(place.split()[0], name) for place, name in search.found}
    assert {("inspect", name) for name in PLANTED} <= places
    assert {("logs", "log"), ("top", "argument"), ("processes", "environment"), ("processes", "argument")} <= places


def test_a_value_in_a_layer_is_found(running: Project, planted_image: tuple[str, dict[str, bytes]]) -> None:
    tag, values = planted_image
    search = Search(running.engine, values)
    search.images([tag])
    assert search.found == {(f"layers {tag}", "file")}


def test_no_secret_can_be_seen(callers: Callers, running: Project, summary: Summary) -> None:
    search = Search(running.engine, secrets_of(running))
    assert len(search.values) >= 12
    # While there is work: a task's process is one that could show something.
    sent = [callers.trigger(body) for body in (EXAMPLE, TRIAGE) * 3]
    search.containers(running.containers(), SMALL)
    callers.check_ran_once(*sent)
    search.images(sorted(tag for tag in running.images() if tag.startswith("tradewind/")))
    search.folder(running.container("airflow-scheduler"), "/opt/airflow/logs")
    for url in metrics_of(running):
        search.look(f"metrics {url}", [running.container("prometheus").run("wget", "-q", "-O", "-", url).encode()])
    assert search.found == set()
    summary.notes.append(
        f"{len(search.values)} secrets looked for in {len(search.places)} places, "
        f"{sum(search.places.values()) / 1e6:.0f} MB: none is there"
    )


def metrics_of(running: Project) -> list[str]:
    """The pages that Prometheus reads."""
    api = f"http://{running.address('prometheus', 9090)}/api/v1/targets"
    targets = httpx.get(api, timeout=30).json()["data"]["activeTargets"]
    return [target["scrapeUrl"] for target in targets]
