"""The whole stack with its monitoring, on free ports and in a quicker time, for `make test-alerts`."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml  # type: ignore[import-untyped]  # published without types

import time_scale
from alert_receiver import Receiver
from tradewind_local.parts import ALL, MONITORING
from tradewind_local.ports import free_port
from tradewind_local.settings import PORTS, LocalSettings, port_variable
from tradewind_local.stack import Stack

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".drill"
RULES = ROOT / "monitoring" / "prometheus" / "rules"


@dataclass(frozen=True)
class DrillStack:
    """The running stack, its receiver, and the port of the API that breaks."""

    stack: Stack
    receiver: Receiver
    environment: dict[str, str]
    broken_port: int

    def held_back(self) -> list[dict[str, str]]:
        """The labels of the alerts that Alertmanager has, and keeps to itself because of others."""
        url = next(row.url for row in self.stack.status() if row.part == "alertmanager")
        alerts = httpx.get(f"{url}/api/v2/alerts", params={"active": "false"}, timeout=30).raise_for_status().json()
        return [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]

    def api(self) -> httpx.Client:
        """Open a client of the API."""
        token = next(iter(json.loads(self.environment["API_TOKENS"]).values()))
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=self.environment["TRADEWIND_API_URL"], headers=headers, timeout=30)

    def airflow(self) -> httpx.Client:
        """Open a client of Airflow's own API, as its administrator."""
        base = self.environment["AIRFLOW_BASE_URL"]
        login = {"username": "admin", "password": self.environment["AIRFLOW_ADMIN_PASSWORD"]}
        token = httpx.post(f"{base}/auth/token", json=login, timeout=120).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"{base}/api/v2", headers=headers, timeout=120)


@contextmanager
def running(factor: float) -> Iterator[DrillStack]:
    """Start everything from nothing; stop it and drop its data in the end."""
    shutil.rmtree(HOME, ignore_errors=True)
    receiver = Receiver()
    _write_env_file(receiver)
    stack = Stack(LocalSettings.load(HOME), lambda part, seconds: print(f"  {part:28} {seconds:5.1f} s", flush=True))
    try:
        stack.up((*ALL, *MONITORING))
        drill = DrillStack(stack, receiver, stack.environment(), free_port())
        _quicken(drill, factor)
        yield drill
    finally:
        stack.down()
        receiver.close()
        if not os.environ.get("KEEP"):
            shutil.rmtree(HOME, ignore_errors=True)


def _write_env_file(receiver: Receiver) -> None:
    dags = HOME / "dags"
    dags.mkdir(parents=True, mode=0o700)
    for path in (*(ROOT / "airflow" / "dags").glob("*.py"), *(ROOT / "drills" / "dags").glob("*.py")):
        shutil.copy(path, dags)
    rows = {port_variable(part): "0" for part in PORTS} | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        # A busy machine is no reason to give up.
        "TRADEWIND_READY_TIMEOUT": "300",
        "ALERTMANAGER_WEBHOOK_URL": receiver.url,
        "ALERTMANAGER_WATCHDOG_URL": receiver.url,
    }
    (HOME / ".env").write_text("".join(f"{name}='{value}'\n" for name, value in rows.items()))


def _quicken(drill: DrillStack, factor: float) -> None:
    """Divide the times of the files that the stack runs on, and let its programs read them again."""
    folder = HOME / "monitoring"
    quick = folder / "rules"
    quick.mkdir(exist_ok=True)
    for path in RULES.glob("*.yml"):
        (quick / path.name).write_text(time_scale.rules(path.read_text(), factor))
    plan = folder / "prometheus.yml"
    plan.write_text(_with_target(time_scale.prometheus(plan.read_text(), factor, quick), drill.broken_port))
    routes = folder / "receivers" / "alertmanager.yml"
    routes.write_text(time_scale.alertmanager(routes.read_text(), factor))
    for part in ("prometheus", "alertmanager"):
        os.kill(drill.stack.pid(part) or 0, signal.SIGHUP)


def _with_target(text: str, port: int) -> str:
    """Let Prometheus watch the API that breaks, too."""
    plan = yaml.safe_load(text)
    api = next(job for job in plan["scrape_configs"] if job["job_name"] == "fastapi")
    api["static_configs"].append({"targets": [f"127.0.0.1:{port}"]})
    changed: str = yaml.safe_dump(plan, sort_keys=False)
    return changed
