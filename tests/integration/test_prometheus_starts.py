"""The real Prometheus and Alertmanager on the repository's files: they start, load every rule, keep what is meant."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import alert_cases
from tradewind_local.monitoring import receivers, tools
from tradewind_local.ports import free_port

CONFIG = alert_cases.ROOT / "monitoring" / "prometheus" / "prometheus.yml"

# The first use on a machine builds the programs.
pytestmark = pytest.mark.timeout(1200)


@contextmanager
def _serving(program: str, folder: Path, *options: str) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    command = [str(tools.ensure([program])[program]), f"--web.listen-address={url.removeprefix('http://')}", *options]
    environment = {"CLUSTER": "test", "ENVIRONMENT": "dev"}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stderr=log, stdout=log) as process,
    ):
        try:
            _await(url, process, folder / "log")
            yield url
        finally:
            process.terminate()


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    with _serving("prometheus", folder, f"--config.file={CONFIG}", f"--storage.tsdb.path={folder}/data") as url:
        yield url


def _data(url: str) -> Any:
    return httpx.get(url).raise_for_status().json()["data"]


def test_metrics_are_kept_for_thirty_days_and_no_more_than_the_disk_bears(prometheus: str) -> None:
    kept = _data(f"{prometheus}/api/v1/status/runtimeinfo")["storageRetention"]
    assert kept == "30d or 8GiB"


def test_every_rule_is_loaded(prometheus: str) -> None:
    groups = _data(f"{prometheus}/api/v1/rules")["groups"]
    assert sum(len(group["rules"]) for group in groups) == len(alert_cases.rules())


def test_what_leaves_prometheus_says_from_where(prometheus: str) -> None:
    text = _data(f"{prometheus}/api/v1/status/config")["yaml"]
    assert "cluster: test" in text
    assert "environment: dev" in text


def test_alertmanager_starts_with_every_receiver(tmp_path: Path) -> None:
    rows = dict.fromkeys(receivers.VARIABLES, "http://127.0.0.1:9/")
    config = receivers.render(tmp_path, rows)
    options = (f"--config.file={config}", f"--storage.path={tmp_path}/data", "--cluster.listen-address=")
    with _serving("alertmanager", tmp_path, *options) as url:
        found = httpx.get(f"{url}/api/v2/receivers").raise_for_status().json()
    assert {row["name"] for row in found} == {"critical", "warning", "watchdog"}
