"""The facade on a real broker, in this process or as one of its own; its engines are a stub told what to say."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from confluent_kafka import Producer
from fastapi import FastAPI

from support.engine_stub import PASSWORD, USERNAME, EngineStub
from support.facade import CALLER, TOKEN, client_of, info, until
from support.servers import TopicSet
from support.topic_records import read_all
from tradewind_api.app import create_app
from tradewind_api.settings import Settings
from tradewind_contracts import records
from tradewind_contracts.events import Event
from tradewind_contracts.workflows import WorkflowType
from tradewind_local.ports import free_port

ENGINE_TOKEN = "a-token-of-the-facade"


@dataclass
class StubEngines:
    """Both engines' HTTP side, on one loopback port."""

    airflow: EngineStub = field(default_factory=lambda: EngineStub([info("recon", WorkflowType.AIRFLOW)]))
    langgraph: EngineStub = field(
        default_factory=lambda: EngineStub([info("triage", WorkflowType.LANGGRAPH)], tokens={ENGINE_TOKEN})
    )
    airflow_url: str = ""
    langgraph_url: str = ""

    @contextmanager
    def listening(self) -> Iterator["StubEngines"]:
        airflow, langgraph = _serving(self.airflow.app("/tradewind")), _serving(self.langgraph.app())
        with airflow as self.airflow_url, langgraph as self.langgraph_url:
            yield self


@contextmanager
def _serving(app: Any) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@dataclass
class World:
    """One test's broker, topics and engines."""

    bootstrap_servers: str
    topics: TopicSet
    engines: StubEngines

    def values(self, **more: Any) -> dict[str, Any]:
        """The facade's settings by name."""
        return {
            "api_tokens": {CALLER: TOKEN},
            "kafka_bootstrap_servers": self.bootstrap_servers,
            "events_topic": self.topics.events,
            "status_topic": self.topics.status,
            "dead_letters_topic": self.topics.dead_letters,
            "airflow_base_url": self.engines.airflow_url,
            "airflow_username": USERNAME,
            "airflow_password": PASSWORD,
            "langgraph_base_url": self.engines.langgraph_url,
            "langgraph_token": ENGINE_TOKEN,
            **more,
        }

    def produce(self, topic: str, record: records.Record, partition: int = -1, timestamp: int = 0) -> None:
        """Put a record into a topic, as another process would; `timestamp` is in Unix milliseconds."""
        self.produce_all(topic, [record], partition, timestamp)

    def produce_all(
        self, topic: str, stored: Iterable[records.Record], partition: int = -1, timestamp: int = 0
    ) -> None:
        """Put records into a topic."""
        producer = Producer({"bootstrap.servers": self.bootstrap_servers, "partitioner": "murmur2_random"})
        for record in stored:
            headers = list(record.headers)
            producer.produce(topic, record.value, record.key, partition, timestamp=timestamp, headers=headers)
        assert producer.flush(30) == 0

    def events(self) -> list[Event]:
        """Everything that stands in the events topic."""
        found = read_all(self.bootstrap_servers, self.topics.events)
        return [records.decode(message.value(), message.headers()).event for message in found]

    @asynccontextmanager
    async def running(self, *, wait: bool = True, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
        """The facade in this process, ready to take triggers."""
        app: FastAPI = create_app(Settings(**self.values(**more)))
        async with app.router.lifespan_context(app), client_of(app) as client:
            if wait:
                await ready(client)
            yield client


async def ready(client: httpx.AsyncClient, seconds: float = 30) -> None:
    """Wait until the facade is ready and has read both engines' lists."""
    up = {"kafka": "up", "ledger": "up", "airflow": "up", "langgraph": "up"}

    async def check() -> bool:
        try:
            answer = await client.get("/health")
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and answer.json()["dependencies"] == up

    await until(check, seconds)


class FacadeProcess:
    """The facade as a process of its own: `python -m tradewind_api`."""

    def __init__(self, world: World, folder: Path, **more: Any) -> None:
        self.port = free_port()
        self.log_file = folder / f"facade-{self.port}.log"
        values = world.values(fastapi_port=self.port, **more)
        texts = {name.upper(): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
        with self.log_file.open("wb") as log:
            command = [sys.executable, "-m", "tradewind_api"]
            self.process = subprocess.Popen(command, env={**os.environ, **texts}, stdout=log, stderr=log)

    def client(self) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self.process.kill()
        self.process.wait(10)

    def terminate(self, seconds: float = 30) -> None:
        """SIGTERM, and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(seconds)


@contextmanager
def facade_process(world: World, folder: Path, **more: Any) -> Iterator[FacadeProcess]:
    """A facade that is gone afterwards, whatever happened."""
    facade = FacadeProcess(world, folder, **more)
    try:
        yield facade
    finally:
        if facade.process.poll() is None:
            facade.kill()
