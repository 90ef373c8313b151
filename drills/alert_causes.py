"""What `make test-alerts` breaks, how it is repaired, and which alerts it has to cause."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from alert_stack import HOME, ROOT, DrillStack
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import TriggerPayload, WorkflowTriggered
from tradewind_contracts.topics import AIRFLOW_GROUP, WORKFLOW_EVENTS
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.layout import process_environment

EVENTS = 1500
"""More than the limit of KafkaConsumerLag."""

WARM_UP = 100
"""So many that each of six partitions gets one."""

Labels = dict[str, str]


@dataclass(frozen=True)
class Cause:
    """One thing that goes wrong.

    `expected` alerts must come and go. `silenced` ones must come to Alertmanager and be held back there; `wrong` ones
    would be of another cause. Neither may reach the receiver.
    """

    name: str
    begin: Callable[[], None]
    expected: list[Labels]
    silenced: list[Labels] = field(default_factory=list)
    wrong: list[Labels] = field(default_factory=list)
    end: Callable[[], None] = lambda: None
    keep_up: Callable[[], None] = lambda: None
    """Called all the time while it goes on."""


def side_by_side(drill: DrillStack) -> list[Cause]:
    """The causes that do not disturb each other."""
    broken = _BrokenApi(drill)
    consumer = _StoppedConsumer(drill)
    return [
        Cause(
            "a failing DAG",
            partial(_trigger, drill, "drill_fails"),
            [_alert("AirflowDAGFailed", dag_id="drill_fails")],
            silenced=[_alert("AirflowTaskFailed", dag_id="drill_fails")],
        ),
        Cause(
            "a failing task in a run that succeeds",
            partial(_trigger, drill, "drill_task_fails"),
            [_alert("AirflowTaskFailed", dag_id="drill_task_fails", task_id="fails_alone")],
            wrong=[_alert("AirflowDAGFailed", dag_id="drill_task_fails")],
        ),
        Cause(
            "a full pool",
            partial(_fill_pool, drill),
            [_alert("AirflowPoolStarving", pool_name="drill")],
            end=partial(_hold(drill).unlink, missing_ok=True),
        ),
        Cause(
            f"a stopped consumer, and {EVENTS} events on its topic",
            consumer.begin,
            [
                _alert("KafkaConsumerGroupEmpty", consumergroup="tradewind-airflow"),
                _alert("KafkaConsumerLag", consumergroup="tradewind-airflow", topic=WORKFLOW_EVENTS.name),
                _alert("KafkaConsumerStalled", consumergroup="tradewind-airflow", topic=WORKFLOW_EVENTS.name),
            ],
            end=consumer.end,
        ),
        Cause(
            "an API that answers 500",
            broken.begin,
            [_alert("ApiBudgetBurn", job="fastapi", window="1h")],
            end=broken.end,
            keep_up=broken.ask,
        ),
    ]


def on_its_own(drill: DrillStack) -> list[Cause]:
    """What would hide others: the triggerer is where the consumer runs."""
    return [
        Cause(
            "a killed triggerer",
            partial(_kill_triggerer, drill),
            [_alert("AirflowTriggererDown")],
            silenced=[_alert("KafkaConsumerGroupEmpty", consumergroup="tradewind-airflow")],
            end=partial(drill.stack.start_part, "airflow-triggerer"),
        )
    ]


def _alert(name: str, **labels: str) -> Labels:
    return {"alertname": name, **labels}


def _trigger(drill: DrillStack, dag_id: str) -> None:
    with drill.airflow() as airflow:
        airflow.post(f"/dags/{dag_id}/dagRuns", json={"logical_date": None}).raise_for_status()


def _hold(drill: DrillStack) -> Path:
    return Path(drill.environment["TRADEWIND_DATA_DIR"]) / "drill-hold"


def _fill_pool(drill: DrillStack) -> None:
    _hold(drill).parent.mkdir(parents=True, exist_ok=True)
    _hold(drill).touch()
    with drill.airflow() as airflow:
        airflow.post("/pools", json={"name": "drill", "slots": 1}).raise_for_status()
    _trigger(drill, "drill_pool")


def _kill_triggerer(drill: DrillStack) -> None:
    # The runner would start it again within a second, and no alert would be due.
    drill.stack.kill("airflow-triggerer")
    drill.stack.stop_part("airflow-triggerer")


@dataclass(frozen=True)
class _StoppedConsumer:
    drill: DrillStack

    def begin(self) -> None:
        """Pause the sensor DAG and end its run, as the guide says; then fill its topic."""
        self._read_once()
        with self.drill.airflow() as airflow:
            airflow.patch("/dags/workflow_events", json={"is_paused": True}).raise_for_status()
            runs = airflow.get("/dags/workflow_events/dagRuns", params={"state": "running"}).raise_for_status().json()
            for run in runs["dag_runs"]:
                path = f"/dags/workflow_events/dagRuns/{run['dag_run_id']}"
                airflow.patch(path, json={"state": "failed"}).raise_for_status()
        self._await_no_member()
        self._fill(EVENTS)

    def end(self) -> None:
        """Let the sensor DAG run again."""
        with self.drill.airflow() as airflow:
            airflow.patch("/dags/workflow_events", json={"is_paused": False}).raise_for_status()

    def _read_once(self) -> None:
        """Let the group commit on every partition: kafka_exporter counts no lag where it never has."""
        self._fill(WARM_UP)
        consumer = Consumer({"bootstrap.servers": self._servers, "group.id": AIRFLOW_GROUP})
        partitions = [TopicPartition(WORKFLOW_EVENTS.name, number) for number in range(WORKFLOW_EVENTS.partitions)]
        deadline = time.monotonic() + 60
        while any(partition.offset < 0 for partition in consumer.committed(partitions, timeout=10)):
            if time.monotonic() > deadline:
                raise RuntimeError("the consumer has not read every partition within 60 s")
            time.sleep(0.5)
        consumer.close()

    def _await_no_member(self) -> None:
        """Wait until the consumer has left: a run that is marked as failed reads on for a while."""
        admin = AdminClient({"bootstrap.servers": self._servers})
        deadline = time.monotonic() + 60
        while admin.describe_consumer_groups([AIRFLOW_GROUP])[AIRFLOW_GROUP].result(10).members:
            if time.monotonic() > deadline:
                raise RuntimeError("the consumer has not left its group within 60 s")
            time.sleep(0.5)

    @property
    def _servers(self) -> str:
        return self.drill.environment["KAFKA_BOOTSTRAP_SERVERS"]

    def _fill(self, count: int) -> None:
        # The runs of a paused DAG are made and held: the drill is about the topic.
        producer = Producer({"bootstrap.servers": self._servers})
        for _ in range(count):
            event = WorkflowTriggered(
                source="drill",
                workflow_id="drill_held",
                workflow_type=WorkflowType.AIRFLOW,
                workflow_run_id=run_ids.new(),
                payload=TriggerPayload(),
            )
            record = records.encode(event)
            producer.produce(WORKFLOW_EVENTS.name, record.value, record.key, headers=record.headers)
        if producer.flush(30):
            raise RuntimeError("the broker did not take all events within 30 s")


@dataclass
class _BrokenApi:
    drill: DrillStack
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.drill.broken_port}"

    def begin(self) -> None:
        environment = process_environment() | self.drill.environment | {"PYTHONPATH": str(ROOT / "drills")}
        command = [sys.executable, "-m", "uvicorn", "--factory", "api_that_breaks:create_app"]
        command += ["--port", str(self.drill.broken_port), "--log-level", "critical"]
        with (HOME / "logs" / "api-that-breaks.log").open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=os.sep, stdout=log, stderr=log)  # noqa: S603  # our own program

    def ask(self) -> None:
        with self.drill.api() as api:
            for _ in range(2):
                try:
                    api.get(f"{self.url}/workflows/broken", timeout=5)
                except httpx.TransportError:
                    return  # not there yet

    def end(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(30)
