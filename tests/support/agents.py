"""The agents service in tests: in this process or as one of its own, and the events in and out of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from support.servers import TopicSet, unique
from support.topic_records import end_offset, read_all
from tradewind_agents.app import create_app
from tradewind_agents.settings import Settings
from tradewind_contracts import dead_letters, records, run_ids
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import TriggerPayload, WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.ports import free_port

TOKEN = "a-token-for-tests-only"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class World:
    """One test's broker, topics, database and group."""

    bootstrap_servers: str
    database_url: str
    topics: TopicSet
    group: str = field(default_factory=lambda: unique("agents"))

    def environment(self, **more: object) -> dict[str, str]:
        values = {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "LANGGRAPH_TOKEN": TOKEN,
            "LANGGRAPH_DATABASE_URL": self.database_url,
            "LANGGRAPH_EVENTS_TOPIC": self.topics.events,
            "LANGGRAPH_STATUS_TOPIC": self.topics.status,
            "LANGGRAPH_DEAD_LETTERS_TOPIC": self.topics.dead_letters,
            "LANGGRAPH_CONSUMER_GROUP": self.group,
            "LANGGRAPH_WORKFLOW_PACKAGES": '["tradewind_agents.workflows", "support.agent_workflows"]',
            "LANGGRAPH_SESSION_TIMEOUT_MS": "6000",
        }
        return values | {f"LANGGRAPH_{name.upper()}": str(value) for name, value in more.items()}

    def settings(self, **more: object) -> Settings:
        names = {"KAFKA_BOOTSTRAP_SERVERS": "kafka_bootstrap_servers"}
        environment = self.environment(**more)
        values = {names.get(name, name.removeprefix("LANGGRAPH_").lower()): text for name, text in environment.items()}
        values["workflow_packages"] = ("tradewind_agents.workflows", "support.agent_workflows")  # type: ignore[assignment]  # JSON only in the environment
        return Settings.model_validate(values)

    def committed(self) -> dict[int, int]:
        """The group's committed offsets by partition."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": self.group})
        try:
            known = [TopicPartition(self.topics.events, number) for number in range(6)]
            return {found.partition: found.offset for found in consumer.committed(known, timeout=10)}
        finally:
            consumer.close()

    def ends(self) -> dict[int, int]:
        """The event topic's end offsets by partition."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "nobody"})
        try:
            return {number: end_offset(consumer, TopicPartition(self.topics.events, number)) for number in range(6)}
        finally:
            consumer.close()

    def is_caught_up(self) -> bool:
        committed = self.committed()
        return all(committed[number] == end for number, end in self.ends().items() if end)


def trigger(workflow_id: str, parameters: dict[str, Any], **more: Any) -> WorkflowTriggered:
    payload = TriggerPayload(parameters=parameters, priority=more.pop("priority", 0))
    values = {"source": "test", "workflow_type": WorkflowType.LANGGRAPH, "workflow_run_id": run_ids.new(), **more}
    return WorkflowTriggered(workflow_id=workflow_id, payload=payload, **values)


class EventLog:
    """Writes to the event topic, reads the status and dead-letter topics."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._producer = Producer({"bootstrap.servers": world.bootstrap_servers, "linger.ms": 0})

    def send(self, *events: Any, traceparent: str | None = None) -> None:
        for event in events:
            record = records.encode(event, traceparent)
            self.send_raw(record.value, record.key, record.headers)
        assert self._producer.flush(10) == 0

    def send_raw(self, value: bytes | None, key: bytes | None = None, headers: Any = (), partition: int = -1) -> None:
        self._producer.produce(
            self._world.topics.events, value=value, key=key, headers=list(headers), partition=partition
        )
        self._producer.poll(0)

    def statuses(self) -> dict[str, list[WorkflowStatusChanged]]:
        """All status events by run id, in the order of their partition."""
        found = defaultdict(list)
        for message in read_all(self._world.bootstrap_servers, self._world.topics.status):
            event = records.decode(message.value(), message.headers()).event
            assert isinstance(event, WorkflowStatusChanged)
            found[event.workflow_run_id].append(event)
        return found

    def dead_letters(self) -> list[tuple[DeadLetter, Any]]:
        """All dead letters, with their records."""
        found = read_all(self._world.bootstrap_servers, self._world.topics.dead_letters)
        letters = [(dead_letters.read(message.headers()), message) for message in found]
        return [(letter, message) for letter, message in letters if letter is not None]


@asynccontextmanager
async def running(world: World, **settings: object) -> AsyncIterator[httpx.AsyncClient]:
    """The service in this process: a client whose calls need no port."""
    app = create_app(world.settings(**settings))
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://agents", headers=HEADERS) as client,
    ):
        client.app = app  # type: ignore[attr-defined]  # for tests that look inside
        yield client


async def until(check: Callable[[], Awaitable[Any]], seconds: float = 30) -> Any:
    """What `check` returns once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := await check()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.02)
    return found


async def ended(client: httpx.AsyncClient, run_id: str, seconds: float = 30) -> dict[str, Any]:
    """The status of a run that has ended."""

    async def check() -> dict[str, Any] | None:
        answer = await client.get(f"/workflows/{run_id}/status")
        return answer.json() if answer.status_code == 200 and answer.json().get("completed_at") else None

    found: dict[str, Any] = await until(check, seconds)
    return found


async def ready(client: httpx.AsyncClient, seconds: float = 30) -> None:
    async def check() -> bool:
        try:
            return (await client.get("/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    await until(check, seconds)


class AgentsProcess:
    """The service as a process of its own."""

    def __init__(self, world: World, folder: Path, **settings: object) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"agents-{self.port}.log"
        root = Path(__file__).parents[2]
        environment = {**os.environ, **world.environment(**settings), "PYTHONPATH": str(root / "tests")}
        environment |= {"LANGGRAPH_HOST": "127.0.0.1", "LANGGRAPH_PORT": str(self.port)}
        command = [sys.executable, "-m", "tradewind_agents"]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def terminate(self, seconds: float = 30) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers=HEADERS)


@contextmanager
def agents_process(world: World, folder: Path, **settings: object) -> Iterator[AgentsProcess]:
    agents = AgentsProcess(world, folder, **settings)
    try:
        yield agents
    finally:
        if agents.process.poll() is None:
            agents.kill()
