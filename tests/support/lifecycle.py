"""A running lifecycle thread, on an own topic and with own connections, and what it published."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from support import worker_thread
from support.airflow_server import AirflowServer
from support.ingestion import until
from support.plugin_suite import FITTING
from support.servers import unique
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.lifecycle.worker import LifecycleWorker
from tradewind_contracts import records, run_ids
from tradewind_contracts.events import WorkflowStatusChanged

WAIT = 2
"""Seconds of a long poll: a thread that is stopped ends within them."""


class StatusReader:
    """Follows a status topic from its beginning, as any consumer does."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        config = {"bootstrap.servers": bootstrap_servers, "group.id": unique("reader"), "enable.auto.commit": False}
        self._consumer = Consumer(config)
        self._messages: list[Message] = []
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def messages(self) -> list[Message]:
        """All records so far, each partition's in their order."""
        while found := self._consumer.consume(1000, 0.3):
            self._messages += [message for message in found if not message.error()]
        return self._messages

    def events(self) -> list[WorkflowStatusChanged]:
        """All events so far, each partition's in their order."""
        found = [records.decode(one.value(), headers(one)).event for one in self.messages()]
        return [event for event in found if isinstance(event, WorkflowStatusChanged)]

    def statuses(self, *ids: str) -> dict[str, list[str]]:
        """The states of these runs in the order in which the topic has them first."""
        states: dict[str, dict[str, str]] = {run_id: {} for run_id in ids}
        for event in self.events():
            if event.workflow_run_id in states:
                states[event.workflow_run_id].setdefault(event.event_id, event.payload.status.value)
        return {run_id: list(found.values()) for run_id, found in states.items()}


def headers(message: Message) -> records.Headers:
    """The headers of a record."""
    # The client's types allow for a dict, which is only ever produced.
    return cast("records.Headers", message.headers())


@dataclass
class Lifecycle:
    """Topic and connections of one test's lifecycle; `running` starts its thread."""

    bootstrap_servers: str
    server: AirflowServer
    topic: str
    publisher: str = field(default_factory=lambda: unique("publisher"))
    include: str = "*"
    exclude: str = ""
    look_back: float = 5.0

    def __post_init__(self) -> None:
        self.reader = StatusReader(self.bootstrap_servers, self.topic)

    @property
    def settings(self) -> LifecycleSettings:
        """Its trigger's arguments."""
        return LifecycleSettings(
            topic=self.topic,
            publisher=self.publisher,
            include=self.include,
            exclude=self.exclude,
            look_back=self.look_back,
            wait=WAIT,
        )

    @property
    def connections(self) -> dict[str, str]:
        """The environment variables of its Airflow connections."""
        return worker_thread.connections(self.server, self.bootstrap_servers)

    @contextmanager
    def running(self) -> Iterator[LifecycleWorker]:
        """Run the thread; on leaving it has to end within seconds, and without an error."""
        make = partial(LifecycleWorker, self.settings)
        with worker_thread.running(make, self.connections, WAIT + 15) as worker:
            yield worker

    def events(self) -> list[WorkflowStatusChanged]:
        """All events on the topic so far, each partition's in their order."""
        return self.reader.events()

    def statuses(self, *ids: str) -> dict[str, list[str]]:
        """The states of these runs in the order in which the topic has them first."""
        return self.reader.statuses(*ids)

    def wait_for(self, expected: list[str], *ids: str, timeout: float = 30) -> None:
        """Wait until the topic has exactly these statuses of each of the runs."""
        wanted = dict.fromkeys(ids, expected)
        until(lambda: self.statuses(*ids) == wanted or None, timeout)

    def trigger(self, count: int = 1, dag_id: str = "test_typed") -> list[str]:
        """Create runs."""
        ids = [run_ids.new() for _ in range(count)]
        parameters = {} if dag_id == "test_free" else FITTING
        items: list[dict[str, Any]] = [
            {"workflow_id": dag_id, "workflow_type": "airflow", "parameters": parameters, "workflow_run_id": run_id}
            for run_id in ids
        ]
        self.create(*items)
        return ids

    def create(self, *items: dict[str, Any]) -> None:
        """Create these runs."""
        with self.server.client() as client:
            for first in range(0, len(items), 500):
                answer = client.post("/workflows/trigger/batch", json={"items": items[first : first + 500]})
                assert {one["outcome"] for one in answer.raise_for_status().json()["items"]} == {"created"}

    def end_queued_runs(self) -> None:
        """End the runs that other tests left queued, unseen by the feed: a first start publishes every queued run."""
        self.server.rows("UPDATE dag_run SET state = 'success' WHERE state = 'queued'")

    def starts(self, *ids: str) -> None:
        """Start runs, as the scheduler does."""
        self.server.rows(
            "UPDATE dag_run SET state = 'running', start_date = now(), updated_at = now() WHERE run_id = ANY(%s)",
            list(ids),
        )

    def ends(self, state: str, *ids: str) -> None:
        """End runs, as the scheduler does."""
        self.server.rows(
            "UPDATE dag_run SET state = %s, end_date = now(), updated_at = now() WHERE run_id = ANY(%s)",
            state,
            list(ids),
        )

    def clears(self, *ids: str) -> None:
        """Run runs again, as a clear does."""
        self.server.rows(
            "UPDATE dag_run SET state = 'queued', queued_at = now(), start_date = NULL, end_date = NULL,"
            " clear_number = clear_number + 1, updated_at = now() WHERE run_id = ANY(%s)",
            list(ids),
        )
