"""The base images that the Dockerfiles and docker-compose.yml name: the real ones, or what stands in for them."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.compose import contexts
from support.compose.contexts import Gather, program
from support.compose.engine import Engine, EngineError
from tradewind_local.repository import ROOT

FOLDER = ROOT / "tests" / "compose" / "stand_ins"
DIFFERENCE = "io.tradewind.stand-in"
DEBIAN = "tradewind-stand-in/debian:bookworm"
BUSYBOX = "tradewind-stand-in/busybox:1.35.0"
DEBIAN_PACKAGES = "ca-certificates,netbase,tzdata"
PROBE_SECONDS, PULL_SECONDS, BUILD_SECONDS = 60, 900, 900


@dataclass(frozen=True)
class Base:
    """An image that is pulled, or built from a folder of `stand_ins` and what `gather` puts beside it."""

    tag: str
    folder: str
    gather: Gather
    needs: tuple[str, ...] = ()


BASES = (
    Base("python:3.11.14-slim-bookworm", "python", contexts.python, (DEBIAN,)),
    Base(
        "apache/airflow:slim-3.3.2-python3.11",
        "apache-airflow",
        contexts.constraints,
        ("python:3.11.14-slim-bookworm",),
    ),
    Base("postgres:18.6-bookworm", "postgres", contexts.postgres, (DEBIAN,)),
    Base("apache/kafka:4.3.1", "kafka", contexts.kafka, (DEBIAN,)),
    Base("prom/statsd-exporter:v0.31.0", "statsd-exporter", program("statsd_exporter"), (BUSYBOX,)),
    Base(
        "prom/prometheus:v3.16.0",
        "prometheus",
        program("prometheus", "promtool", data=True, config="prometheus.yml"),
        (BUSYBOX,),
    ),
    Base(
        "prom/alertmanager:v0.34.2",
        "alertmanager",
        program("alertmanager", "amtool", data=True, config="alertmanager.yml"),
        (BUSYBOX,),
    ),
    Base("prom/node-exporter:v1.12.1", "node-exporter", program("node_exporter"), (BUSYBOX,)),
    Base(
        "prom/blackbox-exporter:v0.28.0",
        "blackbox-exporter",
        program("blackbox_exporter", config="config.yml"),
        (BUSYBOX,),
    ),
    Base(
        "danielqsj/kafka-exporter:v1.10.0", "kafka-exporter", contexts.kafka_exporter, ("python:3.11.14-slim-bookworm",)
    ),
)
WITHOUT_STAND_IN = {"grafana/grafana:13.2.3": "it cannot be pulled, and no package registry has Grafana's server"}
"""Images that are used where they can be pulled, and left out elsewhere."""


@dataclass(frozen=True)
class Found:
    """A base image as the engine has it; `difference` is empty for the real one."""

    tag: str
    difference: str
    seconds: float

    @property
    def is_real(self) -> bool:
        """Whether it is the image that its tag says."""
        return not self.difference


def ensure(engine: Engine, bases: tuple[Base, ...] = BASES) -> Iterator[Found]:
    """Each base, pulled or built. Raises EngineError when one can be neither."""
    pullable = _registry_answers(engine, bases)
    for base in bases:
        since = time.monotonic()
        if not (_is_real(engine, base.tag) or (pullable and _pull(engine, base.tag, PULL_SECONDS))):
            _stand_in(engine, base)
        yield Found(base.tag, label(engine, base.tag, DIFFERENCE), time.monotonic() - since)


def left_out(engine: Engine) -> dict[str, str]:
    """The images without a stand-in that cannot be had, and why."""
    return {
        tag: why
        for tag, why in WITHOUT_STAND_IN.items()
        if not (_is_there(engine, tag) or _pull(engine, tag, PULL_SECONDS))
    }


def label(engine: Engine, tag: str, name: str) -> str:
    """An image's label; empty without one, or without the image."""
    return engine.docker(
        "image", "inspect", "--format", f'{{{{index .Config.Labels "{name}"}}}}', tag, check=False
    ).strip()


def _is_there(engine: Engine, tag: str) -> bool:
    return engine.run(["docker", "image", "inspect", tag], check=False).returncode == 0


def _is_real(engine: Engine, tag: str) -> bool:
    return _is_there(engine, tag) and not label(engine, tag, DIFFERENCE)


def _registry_answers(engine: Engine, bases: tuple[Base, ...]) -> bool:
    # One image tells: where the first cannot be pulled, none is asked for.
    missing = [base.tag for base in bases if not _is_real(engine, base.tag)]
    return bool(missing) and _pull(engine, missing[0], PROBE_SECONDS)


def _pull(engine: Engine, tag: str, seconds: int) -> bool:
    return (
        engine.run(["timeout", str(seconds), "docker", "pull", "--quiet", tag], seconds + 10, check=False).returncode
        == 0
    )


def _stand_in(engine: Engine, base: Base) -> None:
    for needed in base.needs:
        _ensure_root(engine, needed)
    _build(engine, base)


def _ensure_root(engine: Engine, tag: str) -> None:
    if tag == BUSYBOX:
        _build(engine, Base(BUSYBOX, "busybox", contexts.busybox_root))
    elif tag == DEBIAN and not _is_there(engine, tag):
        _import_debian(engine)


def _import_debian(engine: Engine) -> None:
    if not shutil.which("mmdebstrap"):
        raise EngineError("Base images can neither be pulled nor made: install mmdebstrap, or log in to a registry.")
    with tempfile.TemporaryDirectory(prefix="tradewind-base-") as name:
        archive = Path(name) / "debian.tar"
        options = ["--quiet", "--variant=minbase", f"--include={DEBIAN_PACKAGES}"]
        contexts.run(["mmdebstrap", *options, "bookworm", str(archive)], Path(name))
        engine.docker("import", str(archive), DEBIAN)


def _build(engine: Engine, base: Base) -> None:
    # What did not change comes from the engine's own cache.
    with tempfile.TemporaryDirectory(prefix="tradewind-base-") as name:
        folder = Path(name) / base.folder
        shutil.copytree(FOLDER / base.folder, folder)
        base.gather(folder)
        engine.docker("build", "--quiet", "--tag", base.tag, str(folder), timeout=BUILD_SECONDS)
