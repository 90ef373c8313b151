"""`Prefer: wait` with the real engines: the status topic wakes the caller, the engine gives the result."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from support import agents
from support.airflow_server import AirflowServer
from support.engine_stub import EngineStub
from support.facade import CALLER, info, until
from support.facade_kafka import StubEngines, World
from support.lifecycle import Lifecycle
from support.servers import new_database, new_topic_set
from tradewind_api import statuses
from tradewind_contracts import run_ids
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer

ASKED = 'tradewind_engine_request_seconds_count{engine="langgraph",operation="status"}'


@pytest.fixture(scope="module")
def agents_world(kafka_broker: KafkaBroker, postgres_server: PostgresServer) -> agents.World:
    return agents.World(kafka_broker.bootstrap_servers, new_database(postgres_server), new_topic_set(kafka_broker))


@pytest.fixture(scope="module")
def agents_server(
    agents_world: agents.World, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[agents.AgentsProcess]:
    with agents.agents_process(agents_world, tmp_path_factory.mktemp("agents"), concurrency=50) as process:
        yield process


@pytest.fixture
async def facade(
    agents_world: agents.World, agents_server: agents.AgentsProcess, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """The facade in this process. It asks the engine again when the topic reports the end, and not before."""
    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (60, 60))
    async with agents_server.client() as client:
        await agents.ready(client)
    with StubEngines(EngineStub([info("recon", WorkflowType.AIRFLOW)])).listening() as engines:
        world = World(agents_world.bootstrap_servers, agents_world.topics, engines)
        async with world.running(langgraph_base_url=agents_server.url, langgraph_token=agents.TOKEN) as client:
            yield client


async def call(facade: httpx.AsyncClient, log: Path, seconds: float) -> tuple[WorkflowStatus, float]:
    """The result of a run whose steps take so long, and the seconds from its end to the answer."""
    parameters = {"log": str(log), "seconds": seconds}
    body = {"workflow_id": "steps", "workflow_type": "langgraph", "parameters": parameters}
    response = await facade.post("/workflows/trigger", json=body, headers={"prefer": "wait=30"}, timeout=60)
    answered_at = datetime.now(UTC)
    assert response.status_code == 200, response.text
    status = WorkflowStatus.model_validate(response.json())
    assert status.completed_at
    return status, (answered_at - status.completed_at).total_seconds()


async def questions(facade: httpx.AsyncClient) -> float:
    lines = (await facade.get("/metrics")).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(ASKED)), 0)


async def test_a_result_arrives_with_the_end_of_its_run(facade: httpx.AsyncClient, tmp_path: Path) -> None:
    late: list[float] = []
    for _ in range(10):
        status, seconds = await call(facade, tmp_path / "log", 0.02)
        assert (status.status, status.stale) == (RunStatus.SUCCEEDED, False)
        assert status.result == {"done": [1, 2, 3, 4, 5]}
        late.append(seconds)
    assert sorted(late)[len(late) // 2] < 0.5


async def test_callers_at_once_ask_the_engine_twice_each(facade: httpx.AsyncClient, tmp_path: Path) -> None:
    before = await questions(facade)
    found = await asyncio.gather(*(call(facade, tmp_path / "log", 0.2) for _ in range(40)))
    assert {status.status for status, _ in found} == {RunStatus.SUCCEEDED}
    assert await questions(facade) - before <= 2 * 40


async def test_an_engine_that_hangs_for_longer_than_its_time_out_still_gives_the_result(
    facade: httpx.AsyncClient, agents_server: agents.AgentsProcess, tmp_path: Path
) -> None:
    caller = asyncio.create_task(call(facade, tmp_path / "log", 0.5))
    await until((tmp_path / "log").exists, 10)
    agents_server.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(4)
        assert not caller.done()
    finally:
        agents_server.process.send_signal(signal.SIGCONT)
    status, _ = await caller
    assert (status.status, status.stale) == (RunStatus.SUCCEEDED, False)


async def test_a_result_of_airflow_arrives_with_its_lifecycle_event(
    kafka_broker: KafkaBroker, airflow_server: AirflowServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuses, "_RECHECK_SECONDS", (60, 60))
    topics = new_topic_set(kafka_broker)
    lifecycle = Lifecycle(kafka_broker.bootstrap_servers, airflow_server, topics.status)
    url, password = airflow_server.url, airflow_server.passwords["facade"]
    with StubEngines().listening() as engines, lifecycle.running():
        world = World(kafka_broker.bootstrap_servers, topics, engines)
        async with world.running(airflow_base_url=url, airflow_password=password) as facade:
            late = [await _lateness(facade, lifecycle, str(number)) for number in range(5)]
    assert sorted(late)[len(late) // 2] < 1


async def _lateness(facade: httpx.AsyncClient, lifecycle: Lifecycle, key: str) -> float:
    """Seconds from the commit of a run's end to the caller."""
    item = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}
    headers = {"prefer": "wait=20", "idempotency-key": key}
    caller = asyncio.create_task(facade.post("/workflows/trigger", json=item, headers=headers, timeout=30))
    run_id = run_ids.from_idempotency_key(CALLER, "test_free", key)
    await asyncio.to_thread(lifecycle.create, item | {"workflow_run_id": run_id})
    await asyncio.to_thread(lifecycle.starts, run_id)
    await asyncio.sleep(0.5)
    assert not caller.done()
    await asyncio.to_thread(lifecycle.ends, "success", run_id)
    ended_at = time.monotonic()
    answer = await caller
    assert (answer.status_code, answer.json()["status"], answer.json()["stale"]) == (200, "succeeded", False)
    return time.monotonic() - ended_at
