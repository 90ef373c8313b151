"""Metrics through Airflow's own client, in a process of its own, configured by `statsd-exporter/airflow.env`."""

import json
import os
import subprocess
import sys
from typing import Any

from tradewind_local.credentials import read
from tradewind_statsd.mapping import FOLDER

# As the scheduler sets its client up (airflow/jobs/scheduler_job_runner.py).
CLIENT = """
import json, sys
import airflow.sdk.serde
from airflow.configuration import conf
from airflow.observability import stats
from airflow.observability.metrics import stats_utils
stats.initialize(
    factory=stats_utils.get_stats_factory(), export_legacy_names=conf.getboolean("metrics", "legacy_names_on")
)
for method, arguments, tags in json.load(sys.stdin):
    getattr(stats, method)(*arguments, tags=tags)
"""

OWN_LINES = 1
"""What the client's process sends by itself, before the calls: the time of an import (`serde.load_serializers`)."""

Call = tuple[str, list[Any], dict[str, str]]
"""Method of `stats`, its arguments, tags."""


def send(calls: list[Call], port: int) -> None:
    """Make the calls one after the other; their datagrams go to `port` on this machine."""
    settings = read(FOLDER / "airflow.env")
    address = {"AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1", "AIRFLOW__METRICS__STATSD_PORT": str(port)}
    subprocess.run(
        [sys.executable, "-c", CLIENT],
        input=json.dumps(calls),
        env=os.environ | settings | address,
        text=True,
        check=True,
        timeout=120,
        capture_output=True,
    )
