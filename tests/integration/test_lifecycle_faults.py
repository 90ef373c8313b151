"""Parts go down while runs change: nothing is lost, and each run's states are in order."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS, AirflowServer
from support.ingestion import until
from support.lifecycle import Lifecycle
from support.migrated_database import migrated_database
from support.servers import new_topic, temporary_home
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer

WHOLE = ["queued", "running", "succeeded"]


@pytest.fixture(scope="module")
def own_airflow(postgres_server: PostgresServer) -> Iterator[AirflowServer]:
    """An API server that may be killed."""
    with temporary_home() as home:
        server = AirflowServer(home, migrated_database(postgres_server, "airflow"), TEST_DAGS)
        parse_dags(server)
        with server:
            yield server


@pytest.fixture
def lifecycle(kafka_broker: KafkaBroker, own_airflow: AirflowServer) -> Lifecycle:
    return Lifecycle(kafka_broker.bootstrap_servers, own_airflow, new_topic(kafka_broker, "status", partitions=6))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.levelname in {"WARNING", "ERROR"}]


def test_the_api_server_is_killed_and_comes_back(lifecycle: Lifecycle, caplog: pytest.LogCaptureFixture) -> None:
    with lifecycle.running():
        ids = lifecycle.trigger(20)
        lifecycle.wait_for(["queued"], *ids)
        caplog.clear()
        lifecycle.server.kill()
        lifecycle.starts(*ids)
        lifecycle.ends("success", *ids)
        time.sleep(8)
        [told] = warnings(caplog)
        assert "is Airflow's API server up?" in told
        lifecycle.server.start()
        lifecycle.wait_for(WHOLE, *ids, timeout=60)


def test_the_broker_is_killed_and_comes_back(own_airflow: AirflowServer, tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        lifecycle = Lifecycle(broker.bootstrap_servers, own_airflow, new_topic(broker, "status", partitions=6))
        with lifecycle.running():
            ids = lifecycle.trigger(20)
            lifecycle.wait_for(["queued"], *ids)
            broker.kill()
            lifecycle.starts(*ids)
            time.sleep(5)
            broker.start()
            lifecycle.wait_for(["queued", "running"], *ids, timeout=60)
            lifecycle.ends("success", *ids)
            lifecycle.wait_for(WHOLE, *ids)


def test_a_lifecycle_that_starts_before_the_broker_works_when_it_is_there(
    own_airflow: AirflowServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with KafkaBroker(tmp_path) as broker:
        lifecycle = Lifecycle(broker.bootstrap_servers, own_airflow, new_topic(broker, "status", partitions=6))
        broker.kill()
        with lifecycle.running():
            ids = lifecycle.trigger(3)
            until(lambda: len(warnings(caplog)) == 1)
            time.sleep(5)
            assert len(warnings(caplog)) == 1, warnings(caplog)
            broker.start()
            lifecycle.wait_for(["queued"], *ids, timeout=60)


def test_a_wrong_password_loses_nothing_and_a_corrected_one_is_used(
    lifecycle: Lifecycle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ids = lifecycle.trigger(3)
    with monkeypatch.context() as patch:
        patch.setitem(lifecycle.server.passwords, "ingest", "wrong")
        running = lifecycle.running()
        running.__enter__()
    try:
        time.sleep(4)
        assert lifecycle.events() == []
        assert len(warnings(caplog)) == 1, warnings(caplog)
        for name, value in lifecycle.connections.items():
            monkeypatch.setenv(name, value)
        lifecycle.wait_for(["queued"], *ids)
    finally:
        running.__exit__(None, None, None)


PROCESS = """
import json, sys, threading
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.lifecycle.worker import LifecycleWorker
LifecycleWorker(LifecycleSettings(**json.loads(sys.argv[1])), lambda error: None).start()
threading.Event().wait()
"""


@contextmanager
def own_process(lifecycle: Lifecycle) -> Iterator[subprocess.Popen[bytes]]:
    """The thread in a process that may be killed."""
    paths = os.pathsep.join(["airflow/plugins", *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **lifecycle.connections, "PYTHONPATH": paths}
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", PROCESS, json.dumps(asdict(lifecycle.settings))]
    with subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_process_that_is_killed_again_and_again_loses_nothing(lifecycle: Lifecycle) -> None:
    lifecycle.look_back = 3600
    ids: list[str] = []
    for number in range(6):
        with own_process(lifecycle) as process:
            known = len(lifecycle.events())
            more = lifecycle.trigger(150)
            ids += more
            lifecycle.starts(*more)
            lifecycle.ends("success", *more)
            if number:
                # Killed as soon as the first of them stand there: in the middle of a page.
                until(lambda known=known: len(lifecycle.events()) > known, 30)  # type: ignore[misc]  # bound per round
            process.kill()
    with lifecycle.running():
        lifecycle.wait_for(WHOLE, *ids, timeout=60)
    counted = Counter(event.event_id for event in lifecycle.events() if event.workflow_run_id in set(ids))
    assert len(counted) == 3 * len(ids)
