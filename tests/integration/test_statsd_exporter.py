"""Airflow's own client, our mapping and the real statsd_exporter: what comes out at the other end."""

import subprocess
import time
from collections.abc import Iterator

import httpx
import pytest

from support.airflow_stats import OWN_LINES, Call, send
from support.exposition import Scrape
from tradewind_local.monitoring import tools
from tradewind_local.ports import free_port
from tradewind_statsd.mapping import FOLDER, Metric, ours, registry
from tradewind_statsd.metric_rules import DROPPED

TASK = {"dag_id": "etl.daily", "task_id": "grp.load"}
OTHER_TASK = {"dag_id": "etl.daily", "task_id": "grp.save"}
METHODS = {"counter": "incr", "gauge": "gauge", "timer": "timing"}


class Exporter:
    """A statsd_exporter of one test."""

    def __init__(self) -> None:
        self.port, web = free_port(), free_port()
        self.url = f"http://127.0.0.1:{web}"
        program = tools.ensure(["statsd_exporter"])["statsd_exporter"]
        mapping = f"--statsd.mapping-config={FOLDER / 'mapping.yml'}"
        addresses = [f"--statsd.listen-udp=127.0.0.1:{self.port}", f"--web.listen-address=127.0.0.1:{web}"]
        self.process = subprocess.Popen([program, mapping, *addresses, "--statsd.listen-tcp=", "--log.level=warn"])

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def take(self, calls: list[Call], lines: int) -> Scrape:
        """The metrics once the exporter has seen `lines` of ours."""
        send(calls, self.port)
        deadline = time.monotonic() + 20
        while (scrape := Scrape.of(f"{self.url}/metrics")).value("statsd_exporter_lines_total") < lines + OWN_LINES:
            assert time.monotonic() < deadline, "the exporter did not see all lines"
            time.sleep(0.1)
        return scrape


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    """A running exporter with our mapping."""
    found = Exporter()
    try:
        deadline = time.monotonic() + 20
        while not found.answers():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield found
    finally:
        found.process.terminate()
        found.process.wait(10)


def calls_of(metrics: list[Metric]) -> list[Call]:
    """One call of each metric, with the tags that Airflow gives to it at most."""
    tags = TASK | {"state": "success", "run_type": "scheduled", "queue": "default", "run_id": "left-out"}
    return [(METHODS[metric.type], [metric.name, 1], tags) for metric in metrics]


def test_every_metric_that_airflow_and_we_send_comes_out_once(exporter: Exporter) -> None:
    metrics = [metric for metric in registry()[1] + ours() if "{" not in metric.name]
    sent = [metric for metric in metrics if metric.name not in {"ti_successes", "dag_processing.processes"}]
    scrape = exporter.take(calls_of(metrics), lines=len(sent))
    assert scrape.value("statsd_exporter_lines_total") == len(sent) + OWN_LINES, "none comes twice, no blocked one"
    kept = [metric for metric in sent if metric.name not in DROPPED]
    wanted = {f"{metric.exported}_count" if metric.type == "timer" else metric.exported for metric in kept}
    assert wanted <= scrape.names
    assert scrape.value("statsd_exporter_events_actions_total", action="drop") == len(sent) - len(kept)
    assert scrape.value("statsd_exporter_tag_errors_total") == 0
    assert not any(name == "run_id" for _, labels in scrape for name, _ in labels)


def test_values_units_and_labels(exporter: Exporter) -> None:
    queue = {"queue": "default"}
    calls: list[Call] = [
        ("incr", ["ti.finish"], TASK | {"state": "failed"}),
        ("incr", ["ti.finish"], TASK | {"state": "failed"}),
        ("timing", ["task.duration", 1500.0], TASK),
        ("timing", ["task.scheduled_duration", 2000.0], TASK | queue),
        ("timing", ["task.scheduled_duration", 3000.0], OTHER_TASK | queue),
        ("timing", ["dagrun.duration.failed", 61_000.0], {"dag_id": "etl.daily", "run_type": "scheduled"}),
        ("timing", ["dag_processing.last_duration", 0.75], {"bundle_name": "dags", "file_name": "etl"}),
        ("gauge", ["pool.open_slots", 128], {"pool_name": "default_pool"}),
        ("gauge", ["pool.open_slots", 2], {"pool_name": "small"}),
        ("gauge", ["executor.open_slots.LocalExecutor", 3], {"executor_class_name": "LocalExecutor"}),
    ]
    scrape = exporter.take(calls, lines=len(calls))
    assert scrape.value("airflow_ti_finish_total", **TASK, state="failed") == 2
    assert scrape.value("airflow_task_duration_seconds_sum", **TASK) == 1.5
    assert scrape.value("airflow_task_duration_seconds_bucket", **TASK, le="1") == 0
    assert scrape.value("airflow_task_duration_seconds_bucket", **TASK, le="5") == 1
    # Added up over tasks.
    assert scrape.value("airflow_task_scheduled_duration_seconds_sum", dag_id="etl.daily", **queue) == 5
    run = {"dag_id": "etl.daily", "run_type": "scheduled", "state": "failed"}
    assert scrape.value("airflow_dagrun_duration_seconds_sum", **run) == 61
    # Airflow's timer gives seconds where milliseconds are meant.
    parsed = scrape.value("airflow_dag_processing_last_duration_seconds_sum", bundle_name="dags", file_name="etl")
    assert parsed == 0.75
    assert scrape.value("airflow_pool_open_slots", pool_name="small") == 2
    assert scrape.value("airflow_pool_open_slots", pool_name="default_pool") == 128
    assert scrape.value("airflow_executor_open_slots", executor_class_name="LocalExecutor") == 3


def test_what_nobody_mapped_is_dropped_and_counted(exporter: Exporter) -> None:
    calls: list[Call] = [("incr", ["brand.new"], TASK), ("gauge", ["brand.newer", 1], {})]
    scrape = exporter.take(calls, lines=2)
    assert scrape.value("statsd_exporter_events_actions_total", action="drop") == 2
    assert not any(name.startswith(("airflow_brand", "brand", "dropped")) for name in scrape.names)


def test_the_exporter_takes_the_mapping() -> None:
    program = tools.ensure(["statsd_exporter"])["statsd_exporter"]
    options = ["--check-config", f"--statsd.mapping-config={FOLDER / 'mapping.yml'}"]
    assert subprocess.run([program, *options], check=False, capture_output=True).returncode == 0
