"""The facade under test: its settings, its fakes, and the calls that tests make."""

import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from support.engine_suite import FakeEngine
from support.publisher_suite import RecordingPublisher
from tradewind_api.app import create_app
from tradewind_api.ledger import LedgerIndex
from tradewind_api.metrics import Metrics
from tradewind_api.services import Connections
from tradewind_api.settings import Settings
from tradewind_contracts.workflows import WorkflowInfo, WorkflowType

CALLER, TOKEN = "desk", "a-token-of-the-desk"
OTHER_TOKEN = "a-token-of-another-desk"

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"isin": {"type": "string", "maxLength": 12}, "quantity": {"type": "integer"}},
    "required": ["isin"],
}


def info(name: str, workflow_type: WorkflowType, schema: dict[str, Any] | None = None) -> WorkflowInfo:
    found = SCHEMA if schema is None else schema
    return WorkflowInfo(workflow_id=name, workflow_type=workflow_type, description=name, parameters_schema=found)


def facade_settings(**changes: Any) -> Settings:
    """Settings that need no environment."""
    values: dict[str, Any] = {
        "api_tokens": {CALLER: TOKEN, "other": OTHER_TOKEN},
        "kafka_bootstrap_servers": "127.0.0.1:1",
        "airflow_base_url": "http://127.0.0.1:1",
        "airflow_username": "facade",
        "airflow_password": "a-password",
        "langgraph_base_url": "http://127.0.0.1:1",
        "langgraph_token": "a-token-of-the-facade",
    }
    return Settings(**(values | changes))


@dataclass
class Progress:
    """A ledger reader that has nothing to read."""

    caught_up: bool = True
    lag: int = 0


@dataclass
class Facade:
    """A running app, and what stands behind it."""

    publisher: RecordingPublisher = field(default_factory=RecordingPublisher)
    progress: Progress = field(default_factory=Progress)
    airflow: FakeEngine = field(default_factory=lambda: FakeEngine([info("recon", WorkflowType.AIRFLOW)]))
    langgraph: FakeEngine = field(default_factory=lambda: FakeEngine([info("triage", WorkflowType.LANGGRAPH)]))
    index: LedgerIndex = field(init=False)
    app: FastAPI = field(init=False)
    client: httpx.AsyncClient = field(init=False)

    @property
    def engines(self) -> dict[WorkflowType, FakeEngine]:
        return {WorkflowType.AIRFLOW: self.airflow, WorkflowType.LANGGRAPH: self.langgraph}

    async def trigger(self, headers: dict[str, str] | None = None, **changes: Any) -> httpx.Response:
        return await self.client.post("/workflows/trigger", json=trigger_body(**changes), headers=headers or {})

    def events(self) -> list[dict[str, Any]]:
        """The events that were published, as JSON."""
        return [json.loads(record.value) for _, record in self.publisher.records]

    @asynccontextmanager
    async def running(self, settings: Settings) -> AsyncIterator["Facade"]:
        """Run the app in this process; a client with the desk's token is at hand."""

        @asynccontextmanager
        async def connect(_: Settings, index: LedgerIndex, __: Metrics) -> AsyncIterator[Connections]:
            self.index = index
            yield Connections(self.publisher, self.progress, self.engines)

        self.app = create_app(settings, connect)
        async with self.app.router.lifespan_context(self.app), client_of(self.app) as self.client:
            yield self


def client_of(app: FastAPI) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {TOKEN}"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://facade", headers=headers)


async def until(check: Callable[[], object], seconds: float = 5) -> None:
    """Wait until `check`, which may be a coroutine function, returns something true."""
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if await found if inspect.isawaitable(found) else found:
            return
        assert time.monotonic() < deadline, f"not within {seconds} s"
        await asyncio.sleep(0.005)


def trigger_body(**changes: Any) -> dict[str, Any]:
    parameters = {"isin": "US0378331005", "quantity": 100}
    return {"workflow_id": "recon", "workflow_type": "airflow", "parameters": parameters, "priority": 3} | changes


def problem_of(response: httpx.Response) -> tuple[int, str]:
    """The status and the problem's slug, of an answer that must be a problem."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body = response.json()
    assert body["status"] == response.status_code
    return response.status_code, body["type"].removeprefix("urn:tradewind:problem:")


def pointers_of(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]
