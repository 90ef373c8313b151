"""`metrics`: what Airflow's metrics cost with our settings and mapping, and with Airflow's and the exporter's own."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import httpx
import psutil

from airflow_api import AirflowApi
from figures import Benchmark, Figures, Limit
from stack_under_test import HOME, WORKFLOW
from tradewind_local import airflow_config, credentials, env_file
from tradewind_local.monitoring import tools
from tradewind_local.monitoring.parts import MAPPING
from tradewind_local.ports import LOOPBACK, free_port
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack

DAGS, TASKS = 500, 10
RUNS = 10
SENDER = Path(__file__).with_name("metrics_sender.py")
OURS = credentials.read(airflow_config.METRICS)
DEFAULTS = {
    "AIRFLOW__METRICS__STATSD_ON": "True",
    "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED": "False",
    "AIRFLOW__METRICS__LEGACY_NAMES_ON": "True",
    # Empty rows count as absent; this one blocks nothing.
    "AIRFLOW__METRICS__METRICS_BLOCK_LIST": "^$",
}
OF_TASKS = ("ti.", "ti_", "task.", "task_instance_created", "operator_", "dag.")
PARTS = ("airflow-scheduler", "airflow-dag-processor")


class Recorder:
    """Receives StatsD datagrams and keeps their lines."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self.lines: list[str] = []
        threading.Thread(target=self._receive, daemon=True).start()

    def _receive(self) -> None:
        while True:
            self.lines += self._socket.recv(65536).decode().splitlines()

    def of_tasks(self) -> list[str]:
        """Return the lines that a task's run causes: counters and timers, not the gauges that come by the clock."""
        return [
            line
            for line in self.lines
            if not line.endswith("|g") and line.removeprefix("airflow.").startswith(OF_TASKS)
        ]


def run() -> Benchmark:
    """Count the packets of real task runs, then the series of 500 DAGs of 10 tasks in the real statsd_exporter."""
    mapping = f"--statsd.mapping-config={MAPPING}"
    home = HOME / "metrics"
    shutil.rmtree(home, ignore_errors=True)
    try:
        figures = _packets(OURS, home) | _series(OURS, mapping)
        peer = _packets(DEFAULTS, home) | _series(DEFAULTS)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    shared = ("packets_per_task", "us_per_call", "series", "scrape_mib", "scrape_ms", "exporter_mib")
    ratios = {f"{name}_to_default": figures[name] / peer[name] for name in shared}
    limits = (Limit("packets_per_task_to_default", 0.5), Limit("scrape_ms", 2000))
    return Benchmark("metrics", figures, peer, ratios, limits)


def _packets(settings: dict[str, str], home: Path) -> Figures:
    recorder = Recorder()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    rows = settings | {"AIRFLOW__METRICS__STATSD_PORT": str(recorder.port)}
    env_file.write_private(home / ".env", "".join(f"{name}='{value}'\n" for name, value in rows.items()))
    stack = Stack(LocalSettings(home=home, airflow_port=0, kafka_port=0, agents_port=0, api_port=0, ready_timeout=600))
    try:
        stack.up(PARTS)
        asyncio.run(_runs(stack.environment(), recorder))
    finally:
        stack.down()
    names = {line.partition(":")[0].partition(",")[0] for line in recorder.of_tasks()}
    print(f"  a task's lines: {', '.join(sorted(names))}")
    return {"packets_per_task": len(recorder.of_tasks()) / RUNS}


async def _runs(environment: dict[str, str], recorder: Recorder) -> None:
    """Make the runs and wait until each has reported its end, and a moment longer for what comes after."""
    async with aiohttp.ClientSession() as http:
        airflow = AirflowApi(http, environment["AIRFLOW_BASE_URL"])
        await airflow.sign_in("admin", environment["AIRFLOW_ADMIN_PASSWORD"])
        for _ in range(RUNS):
            await airflow.create_run(WORKFLOW)
    deadline = time.monotonic() + 600
    while sum("dagrun.duration.success" in line for line in recorder.lines) < RUNS:
        if time.monotonic() > deadline:
            raise TimeoutError("the runs did not end within 600 s")
        await asyncio.sleep(0.5)
    await asyncio.sleep(5)


def _series(settings: dict[str, str], *options: str) -> Figures:
    with _exporter(*options) as (process, port, url):
        rows = settings | {"AIRFLOW__METRICS__STATSD_HOST": LOOPBACK, "AIRFLOW__METRICS__STATSD_PORT": str(port)}
        command = [sys.executable, str(SENDER), str(DAGS), str(TASKS)]
        sent = subprocess.run(command, env=os.environ | rows, check=True, capture_output=True, text=True)  # noqa: S603  # our own sender
        sender = json.loads(sent.stdout.splitlines()[-1])
        time.sleep(3)
        began = time.perf_counter()
        text = httpx.get(f"{url}/metrics", trust_env=False, timeout=120).text
        spent = time.perf_counter() - began
        samples = [line for line in text.splitlines() if line.startswith("airflow_")]
        lost = [line for line in text.splitlines() if line.startswith("statsd_exporter_udp_packet_drops_total")]
        if float(lost[0].split()[-1]) > 0:
            raise RuntimeError(f"the exporter lost datagrams: {lost[0]}")
        return {
            "us_per_call": sender["seconds"] / sender["calls"] * 1e6,
            "lines": _value(text, "statsd_exporter_lines_total"),
            "series": float(len(samples)),
            "names": float(len({line.partition("{")[0].partition(" ")[0] for line in samples})),
            "scrape_mib": len(text) / 2**20,
            "scrape_ms": spent * 1000,
            "exporter_mib": psutil.Process(process.pid).memory_info().rss / 2**20,
        }


def _value(text: str, name: str) -> float:
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"{name} "))


@contextmanager
def _exporter(*options: str) -> Iterator[tuple["subprocess.Popen[bytes]", int, str]]:
    program = tools.ensure(["statsd_exporter"])["statsd_exporter"]
    port, web = free_port(), free_port()
    addresses = [
        f"--statsd.listen-udp={LOOPBACK}:{port}",
        "--statsd.listen-tcp=",
        f"--web.listen-address={LOOPBACK}:{web}",
    ]
    process = subprocess.Popen([program, *addresses, "--log.level=error", *options])  # noqa: S603  # our own command line
    url = f"http://{LOOPBACK}:{web}"
    try:
        _await(f"{url}/-/ready")
        yield process, port, url
    finally:
        process.terminate()
        process.wait(10)


def _await(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} did not answer")
