"""A running stack as its callers see it: the API, the topic, Airflow's switches, and the tables behind them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from confluent_kafka import Consumer, Producer, TopicPartition

from tradewind_contracts import dead_letters
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.topics import DEAD_LETTERS, WORKFLOW_EVENTS
from tradewind_contracts.workflows import WorkflowStatus
from tradewind_local.stack import Stack

EXAMPLE = {"workflow_id": "example_workflow", "workflow_type": "airflow"}


@dataclass(frozen=True)
class WholeStack:
    """The stack and how to reach it."""

    stack: Stack
    environment: dict[str, str]
    api: httpx.Client

    def await_workflows(self, *names: str, seconds: float = 60) -> None:
        """Wait until Airflow has read the DAG files of a new home."""
        deadline = time.monotonic() + seconds
        while set(names) - {row["workflow_id"] for row in self.api.get("/workflows").raise_for_status().json()}:
            assert time.monotonic() < deadline, f"{names} are not listed within {seconds} s"
            time.sleep(0.5)

    def trigger(self, body: dict[str, Any], key: str | None = None) -> httpx.Response:
        """Ask for a run."""
        headers = {"Idempotency-Key": f'"{key}"'} if key else {}
        return self.api.post("/workflows/trigger", json=body, headers=headers)

    def status(self, run_id: str) -> WorkflowStatus | None:
        """Where the run is, or None while nobody knows it."""
        answer = self.api.get(f"/workflows/{run_id}/status")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return WorkflowStatus.model_validate_json(answer.raise_for_status().content)

    def wait(self, run_id: str, wanted: Callable[[WorkflowStatus], bool], seconds: float = 90) -> WorkflowStatus:
        """Wait until the run is as `wanted`; fail with what it is."""
        deadline = time.monotonic() + seconds
        while (found := self.status(run_id)) is None or not wanted(found):
            assert time.monotonic() < deadline, f"after {seconds} s the run is {found}"
            time.sleep(0.2)
        return found

    def ended(self, run_id: str) -> WorkflowStatus:
        """Wait for the run's end."""
        return self.wait(run_id, lambda status: status.status.is_terminal)

    def produce(self, value: bytes, key: bytes = b"") -> None:
        """Put a record on the event topic, as a stranger would."""
        producer = Producer({"bootstrap.servers": self.environment["KAFKA_BOOTSTRAP_SERVERS"]})
        producer.produce(WORKFLOW_EVENTS.name, value, key)
        assert producer.flush(10) == 0

    def dead_letter(self, value: bytes, seconds: float = 30) -> DeadLetter:
        """Wait for the dead letter of a record."""
        consumer = Consumer(
            {
                "bootstrap.servers": self.environment["KAFKA_BOOTSTRAP_SERVERS"],
                "group.id": "e2e",
                "enable.auto.commit": False,
            }
        )
        consumer.assign([TopicPartition(DEAD_LETTERS.name, 0, 0)])
        deadline = time.monotonic() + seconds
        try:
            while time.monotonic() < deadline:
                message = consumer.poll(0.5)
                if message is not None and not message.error() and message.value() == value:
                    letter = dead_letters.read(message.headers())  # type: ignore[arg-type]  # always the list form
                    assert letter is not None
                    return letter
        finally:
            consumer.close()
        raise AssertionError(f"no dead letter of {value[:80]!r} within {seconds} s")

    def pause(self, dag_id: str, *, paused: bool) -> None:
        """Pause or unpause a DAG, as an operator does."""
        base = self.environment["AIRFLOW_BASE_URL"]
        login = {"username": "admin", "password": self.environment["AIRFLOW_ADMIN_PASSWORD"]}
        token = httpx.post(f"{base}/auth/token", json=login).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        httpx.patch(f"{base}/api/v2/dags/{dag_id}", json={"is_paused": paused}, headers=headers).raise_for_status()

    def runs(self, run_id: str) -> int:
        """How many runs have the id, in both engines together."""
        return sum(
            self._count(database, query, run_id)
            for database, query in (
                (self.environment["AIRFLOW_DATABASE_URL"], b"SELECT count(*) FROM dag_run WHERE run_id = %s"),
                (self.environment["LANGGRAPH_DATABASE_URL"], b"SELECT count(*) FROM agent_run WHERE run_id = %s"),
            )
        )

    @staticmethod
    def _count(database: str, query: bytes, run_id: str) -> int:
        with psycopg.connect(database) as connection:
            row = connection.execute(query, (run_id,)).fetchone()
        return int(row[0]) if row else 0
