"""The facade's client against the real engines: the suite that the fake passes too."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, TypeAdapter

from support import agents
from support.airflow_server import AirflowServer
from support.engine_suite import EngineSuite
from support.servers import new_database, new_topic_set
from tradewind_api.engines import Engine, HttpEngine
from tradewind_api.metrics import Metrics
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus, WorkflowType
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_service.airflow_login import AirflowLogin, BearerAuth

WORKFLOWS = TypeAdapter(list[WorkflowInfo])


def _group_signal(airflow: AirflowServer) -> Callable[[signal.Signals], None]:
    process = airflow._process
    assert process
    return lambda number: os.killpg(process.pid, number)  # it leads a session of its own


@dataclass
class ServerSubject:
    """An engine's process; it is taken down by standing still, which a client can tell by nothing but silence."""

    engine: Engine
    known_workflow: WorkflowInfo
    known_run: WorkflowStatus
    send_signal: Callable[[signal.Signals], None]

    async def take_down(self) -> None:
        self.send_signal(signal.SIGSTOP)


@dataclass
class Server:
    """Where an engine listens, how the facade and how a plain client speak to it, and a run that it has."""

    workflow_type: WorkflowType
    url: str
    auth: httpx.Auth
    headers: dict[str, str]
    run_id: str
    send_signal: Callable[[signal.Signals], None]

    @asynccontextmanager
    async def subject(self) -> AsyncIterator[ServerSubject]:
        async with httpx.AsyncClient(base_url=self.url, headers=self.headers, timeout=30) as plain:
            status = await plain.get(f"workflows/{self.run_id}/status")
            run = WorkflowStatus.model_validate(status.raise_for_status().json())
            [workflow, *_] = WORKFLOWS.validate_json((await plain.get("workflows")).raise_for_status().content)
        async with httpx.AsyncClient(base_url=self.url, auth=self.auth, trust_env=False) as client:
            engine = HttpEngine(self.workflow_type, client, Metrics(), timeout_seconds=2)
            try:
                yield ServerSubject(engine, workflow, run, self.send_signal)
            finally:
                self.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def agents_server(
    kafka_broker: KafkaBroker, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("agents")
    topics = new_topic_set(kafka_broker)
    world = agents.World(kafka_broker.bootstrap_servers, new_database(postgres_server), topics)
    with agents.agents_process(world, folder) as process:
        run_id = asyncio.run(_finished_run(world, process, folder))
        auth = BearerAuth(SecretStr(agents.TOKEN))
        send_signal = process.process.send_signal
        yield Server(WorkflowType.LANGGRAPH, process.url, auth, agents.HEADERS, run_id, send_signal)


async def _finished_run(world: agents.World, process: agents.AgentsProcess, folder: Path) -> str:
    event = agents.trigger("steps", {"log": str(folder / "log")})
    async with process.client() as client:
        await agents.ready(client)
        agents.EventLog(world).send(event)
        await agents.ended(client, event.workflow_run_id)
    return event.workflow_run_id


@pytest.fixture
def airflow_engine(airflow_server: AirflowServer) -> Server:
    body = {"workflow_id": "test_free", "workflow_type": "airflow"}
    with airflow_server.client("ingest") as client:
        run_id = client.post("/workflows/trigger", json=body).raise_for_status().json()["workflow_run_id"]
    auth = AirflowLogin(airflow_server.url, "facade", SecretStr(airflow_server.passwords["facade"]))
    headers = {"authorization": f"Bearer {airflow_server.token('facade')}"}
    url = f"{airflow_server.url}/tradewind/"
    return Server(WorkflowType.AIRFLOW, url, auth, headers, run_id, _group_signal(airflow_server))


class TestAgents(EngineSuite):
    """The real agents service."""

    @pytest.fixture
    async def subject(self, agents_server: Server) -> AsyncIterator[ServerSubject]:
        async with agents_server.subject() as found:
            yield found


class TestAirflow(EngineSuite):
    """The plugin in a real Airflow API server, asked by the facade's own user, a viewer."""

    @pytest.fixture
    async def subject(self, airflow_engine: Server) -> AsyncIterator[ServerSubject]:
        async with airflow_engine.subject() as found:
            yield found
