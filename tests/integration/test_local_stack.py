"""The stack's life: up, a killed part, down, up again; on real Postgres, Kafka and Airflow."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from confluent_kafka import Producer

from support.servers import temporary_home
from support.stacks import own_stack
from support.topic_records import read_all
from tradewind_contracts.topics import TOPICS, WORKFLOW_EVENTS
from tradewind_local import __main__ as command
from tradewind_local.errors import PartError, PortInUseError
from tradewind_local.kafka import KafkaBroker
from tradewind_local.parts import AIRFLOW_PARTS, SPECS
from tradewind_local.ports import free_port
from tradewind_local.processes import is_alive, tree
from tradewind_local.repository import ROOT
from tradewind_local.settings import LocalSettings
from tradewind_local.stack import Stack
from tradewind_local.topics import admin

PARTS = ("kafka", *AIRFLOW_PARTS)
DAG = """
from airflow.sdk import dag, task
@dag(schedule=None)
def adds_up():
    @task
    def add():
        return 40 + 2
    add()
adds_up()
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Postgres, Kafka and Airflow's four parts, with one DAG and no plugin."""
    folder = tmp_path_factory.mktemp("airflow")
    (folder / "dags").mkdir()
    (folder / "dags" / "adds_up.py").write_text(DAG)
    (folder / "plugins").mkdir()
    rows = {
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder / "plugins"),
    }
    with own_stack(**rows) as stack:
        stack.up(PARTS)
        yield stack


@pytest.fixture
def airflow(stack: Stack) -> Iterator[httpx.Client]:
    """Airflow's REST API as its admin."""
    environment = stack.environment()
    with httpx.Client(base_url=environment["AIRFLOW_BASE_URL"], timeout=30, trust_env=False) as client:
        user = {"username": "admin", "password": environment["AIRFLOW_ADMIN_PASSWORD"]}
        token = client.post("/auth/token", json=user).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def ends(airflow: httpx.Client, run_id: str, seconds: float = 60) -> str:
    """The state in which a run of the DAG ends."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run = airflow.get(f"/api/v2/dags/adds_up/dagRuns/{run_id}").raise_for_status().json()
        if run["state"] in {"success", "failed"}:
            return str(run["state"])
        time.sleep(0.2)
    return "not ended"


def acknowledged(address: str, value: bytes) -> bool:
    """Whether the broker took a record on the events topic's first partition."""
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    producer.produce(WORKFLOW_EVENTS.name, value, partition=0, on_delivery=lambda error, _: errors.append(error))
    return producer.flush(30) == 0 and errors == [None]


def start_run(airflow: httpx.Client) -> str:
    """Start a run of the DAG, which the DAG processor may not have read yet, and give its id."""
    deadline = time.monotonic() + 30
    while airflow.get("/api/v2/dags/adds_up").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    answer = airflow.post("/api/v2/dags/adds_up/dagRuns", json={"logical_date": None})
    return str(answer.raise_for_status().json()["dag_run_id"])


def processes_of(stack: Stack) -> list[psutil.Process]:
    """Every process of the stack's parts."""
    found = [process for row in stack.status() if row.pid for process in tree(row.pid)]
    return [process for process in found if is_alive(process.pid)]


def specs(stack: Stack) -> list[dict[str, Any]]:
    """What each part was started from."""
    return [json.loads(file.read_text()) for file in (stack.settings.home / SPECS).glob("*.json")]


def test_airflow_runs_a_dag(airflow: httpx.Client) -> None:
    assert ends(airflow, start_run(airflow)) == "success"


def test_each_user_has_the_role_that_it_needs(stack: Stack) -> None:
    environment = stack.environment()
    url = environment["AIRFLOW_BASE_URL"]
    statuses = {}
    for user, secret in (("facade", "AIRFLOW_PASSWORD"), ("ingest", "AIRFLOW_INGEST_PASSWORD")):
        body = {"username": user, "password": environment[secret]}
        token = httpx.post(f"{url}/auth/token", json=body, trust_env=False).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{url}/api/v2/dags/adds_up/dagRuns", headers=headers, json={}, trust_env=False)
        statuses[user] = answer.status_code
    assert statuses == {"facade": 403, "ingest": 422}
    wrong = httpx.post(f"{url}/auth/token", json={"username": "admin", "password": "admin"}, trust_env=False)
    assert wrong.status_code == 401


def test_a_second_up_leaves_running_parts_alone(stack: Stack) -> None:
    before = {row.part: row.pid for row in stack.status()}
    stack.up(PARTS)
    assert {row.part: row.pid for row in stack.status()} == before
    assert all(before[part] for part in ("postgres", *PARTS))
    assert before["api"] is None


def test_no_secret_is_in_a_command_line(stack: Stack) -> None:
    secrets = [value for name, value in stack.environment().items() if name.endswith(("PASSWORD", "TOKEN"))]
    lines = [" ".join(process.cmdline()) for process in processes_of(stack)]
    assert len(lines) > len(PARTS)
    assert not [line for line in lines for secret in secrets if secret in line]


def test_no_secret_is_in_a_log(stack: Stack) -> None:
    secrets = [value for name, value in stack.environment().items() if name.endswith(("PASSWORD", "TOKEN"))]
    logs = [file.read_text(errors="replace") for file in stack.settings.logs.iterdir()]
    assert len(logs) > len(PARTS)
    assert not [secret for secret in secrets for log in logs if secret in log]


def test_no_part_can_import_from_the_repositorys_root(stack: Stack) -> None:
    for process in processes_of(stack):
        assert ROOT not in {Path(process.cwd()), *Path(process.cwd()).parents}
    environments = [spec["environment"] for spec in specs(stack)]
    assert len(environments) == len(PARTS) + 1
    assert all(environment["PYTHONSAFEPATH"] == "1" for environment in environments)


@pytest.mark.parametrize("part", ["airflow-scheduler", "kafka", "postgres"])
def test_a_killed_part_comes_back_by_itself(stack: Stack, part: str) -> None:
    before = stack.pid(part)
    assert before
    stack.kill(part)
    assert not is_alive(before)
    stack.wait_ready(part)
    assert stack.pid(part) not in {before, None}


def test_what_was_there_before_down_is_there_after_up(stack: Stack, airflow: httpx.Client) -> None:
    for part in PARTS:
        stack.wait_ready(part)
    airflow.post("/api/v2/variables", json={"key": "kept", "value": "yes"}).raise_for_status()
    address = stack.environment()["KAFKA_BOOTSTRAP_SERVERS"]
    assert acknowledged(address, b"kept")
    processes = processes_of(stack)

    stack.down()
    assert not [process for process in processes if is_alive(process.pid)]
    assert all(row.pid is None for row in stack.status())

    stack.up(PARTS)
    assert stack.environment()["KAFKA_BOOTSTRAP_SERVERS"] == address
    assert airflow.get("/api/v2/variables/kept").raise_for_status().json()["value"] == "yes"
    assert {topic.name for topic in TOPICS} <= set(admin(address).list_topics(timeout=10).topics)
    assert [record.value() for record in read_all(address, WORKFLOW_EVENTS.name)] == [b"kept"]
    assert ends(airflow, start_run(airflow)) == "success"


def test_a_port_in_use_stops_up_before_anything_is_started() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with own_stack(TRADEWIND_KAFKA_PORT=str(port)) as stack:
            with pytest.raises(PortInUseError, match=rf"port {port}, which kafka needs, .*TRADEWIND_KAFKA_PORT"):
                stack.up(("kafka", "postgres"))
            assert all(row.pid is None for row in stack.status())


def test_a_part_that_dies_is_named_with_the_end_of_its_log() -> None:
    with own_stack() as stack:
        stack.up(("postgres",))
        stack.stop_part("postgres")
        (stack.settings.home / "postgres" / "PG_VERSION").write_text("9.6\n")
        with pytest.raises(PartError, match=r"(?s)postgres dies whenever it is started.*incompatible.*postgres\.log"):
            stack.up(("postgres",))
        assert stack.pid("postgres") is None


def test_another_shell_reports_and_uses_the_ports_that_up_chose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with own_stack() as stack:
        home, port = stack.settings.home, free_port()
        (home / ".env").unlink()
        monkeypatch.setenv("TRADEWIND_KAFKA_PORT", str(port))
        Stack(LocalSettings.load(home)).up(("kafka",))
        pid = stack.pid("kafka")
        monkeypatch.delenv("TRADEWIND_KAFKA_PORT")

        command.main(["status", "--home", str(home)])
        assert f"127.0.0.1:{port}" in capsys.readouterr().out
        other = Stack(LocalSettings.load(home))
        assert other.environment()["KAFKA_BOOTSTRAP_SERVERS"] == f"127.0.0.1:{port}"
        other.up(("kafka",))
        assert other.pid("kafka") == pid
        assert command.main(["down", "--home", str(home)]) == 0
        assert not is_alive(pid or 0)


def test_a_broker_that_runs_already_is_used_and_no_other_started() -> None:
    # Not the session's broker: the service would take part in the groups of other tests.
    with (
        temporary_home() as home,
        KafkaBroker(home) as broker,
        own_stack(KAFKA_BOOTSTRAP_SERVERS=broker.bootstrap_servers) as stack,
    ):
        stack.up(("agents",))
        assert {row.part for row in stack.status() if row.pid} == {"postgres", "agents"}
        assert stack.environment()["KAFKA_BOOTSTRAP_SERVERS"] == broker.bootstrap_servers
        assert {topic.name for topic in TOPICS} <= set(admin(broker.bootstrap_servers).list_topics(timeout=10).topics)


def test_a_broker_that_does_not_answer_is_named() -> None:
    with own_stack(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9") as stack:
        with pytest.raises(PartError, match=r"no broker answers at 127\.0\.0\.1:9.*KAFKA_BOOTSTRAP_SERVERS"):
            stack.up(("api",))
        assert stack.pid("api") is None


def test_parts_that_outlived_their_runner_are_ended_and_replaced() -> None:
    with own_stack() as stack:
        stack.up(("postgres",))
        orphan = stack.pid("postgres")
        assert orphan
        psutil.Process(int((stack.settings.home / "supervisord.pid").read_text())).kill()
        stack.up(("postgres",))
        assert not is_alive(orphan)
        survivor = stack.pid("postgres")
        assert survivor
        psutil.Process(int((stack.settings.home / "supervisord.pid").read_text())).kill()
        stack.down()
        assert not is_alive(survivor)
