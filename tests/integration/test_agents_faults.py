"""The agents service when its parts die: nothing lost, nothing twice."""

import asyncio
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.agents import EventLog, World, agents_process, ended, ready, running, trigger, until
from support.servers import new_database, new_topic_set
from tradewind_contracts import records
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_contracts.workflows import RunStatus
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer


@pytest.fixture
def world(kafka_broker: KafkaBroker, postgres_server: PostgresServer) -> World:
    """Own topics, database and consumer group."""
    return World(kafka_broker.bootstrap_servers, new_database(postgres_server), new_topic_set(kafka_broker))


@pytest.fixture
def log(world: World) -> EventLog:
    return EventLog(world)


@pytest.fixture
def own_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that may be killed."""
    with PostgresServer(tmp_path_factory.mktemp("pg-faults")) as server:
        yield server


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _at_least(path: Path, lines: int) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return len(_lines(path)) >= lines

    return check


def _caught_up(world: World) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return await asyncio.to_thread(world.is_caught_up)

    return check


async def test_killed_in_the_middle_of_a_run(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    event = trigger("steps", {"log": str(trace), "seconds": 0.4})
    with agents_process(world, tmp_path) as first:
        log.send(event)
        await until(_at_least(trace, 3))
        first.kill()
    interrupted = _lines(trace)[-1]
    with agents_process(world, tmp_path) as second:
        async with second.client() as client:
            await ready(client)
            found = await ended(client, event.workflow_run_id)
        await until(_caught_up(world))
    assert found["status"] == "succeeded"
    assert found["result"] == {"done": [1, 2, 3, 4, 5]}
    times = Counter(_lines(trace))
    assert times.pop(interrupted) == 2
    assert set(times.values()) == {1}
    assert [status.payload.status for status in _distinct(log, event.workflow_run_id)] == ["running", "succeeded"]


@pytest.mark.parametrize("delay", [0.0, 0.15])
async def test_killed_at_any_moment(world: World, log: EventLog, tmp_path: Path, delay: float) -> None:
    trace = tmp_path / "log"
    events = [trigger("steps", {"log": str(trace), "name": str(number), "seconds": 0.01}) for number in range(30)]
    with agents_process(world, tmp_path) as first:
        async with first.client() as client:
            await ready(client)
        log.send(*events)
        await until(_at_least(trace, 1))
        await asyncio.sleep(delay)
        first.kill()
    before = Counter(_lines(trace))
    with agents_process(world, tmp_path) as second:
        async with second.client() as client:
            await ready(client)
            for event in events:
                found = await ended(client, event.workflow_run_id, 60)
                assert (found["status"], found["error"]) == ("succeeded", None)
        await until(_caught_up(world))
    after = Counter(_lines(trace))
    assert len(after) == 30 * 5
    # A step that is repeated is one that was under way: at most one of each run, and only its last one.
    repeated = [line for line, times in after.items() if times > 1]
    assert all(after[line] == 2 for line in repeated)
    assert all(line in before for line in repeated)
    assert len({line.split()[0] for line in repeated}) == len(repeated)
    for event in events:
        assert [status.payload.status for status in _distinct(log, event.workflow_run_id)] == ["running", "succeeded"]


async def test_terminated_drains_at_a_superstep(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    event = trigger("steps", {"log": str(trace), "seconds": 0.5})
    with agents_process(world, tmp_path) as first:
        log.send(event)
        await until(_at_least(trace, 2))
        first.terminate()
        assert "Traceback" not in first.log
    with agents_process(world, tmp_path) as second:
        async with second.client() as client:
            await ready(client)
            assert (await ended(client, event.workflow_run_id))["status"] == "succeeded"
    assert _lines(trace) == [f"run {number}" for number in range(1, 6)]


async def test_terminated_cancels_a_step_that_does_not_end(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    event = trigger("steps", {"log": str(trace), "seconds": 60})
    with agents_process(world, tmp_path, drain_seconds=0.5) as first:
        log.send(event)
        await until(_at_least(trace, 1))
        first.terminate(10)
    assert RunStatus.FAILED not in {status.payload.status for status in log.statuses()[event.workflow_run_id]}
    assert not world.is_caught_up()


async def test_two_replicas_share_and_take_over(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    events = [trigger("steps", {"log": str(trace), "name": str(number), "seconds": 0.1}) for number in range(40)]
    with agents_process(world, tmp_path, concurrency=4) as first, agents_process(world, tmp_path) as second:
        async with first.client() as one, second.client() as two:
            await ready(one)
            log.send(*events[:20])
            await ready(two)
            await until(lambda: _owns(two, 3))
            log.send(*events[20:])
            await until(_at_least(trace, 40))
            first.terminate()
            for event in events:
                assert (await ended(two, event.workflow_run_id, 60))["status"] == "succeeded"
        await until(_caught_up(world))
    # Rebalances and the hand-over drain at a superstep: no step runs twice.
    assert Counter(_lines(trace)) == Counter(f"{run} {step}" for run in range(40) for step in range(1, 6))


async def test_a_frozen_replica_does_not_write_with_its_successor(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    event = trigger("steps", {"log": str(trace), "seconds": 0.5})
    with agents_process(world, tmp_path) as first:
        log.send(event)
        await until(_at_least(trace, 2))
        first.process.send_signal(signal.SIGSTOP)
        with agents_process(world, tmp_path) as second:
            async with second.client() as client:
                await until(lambda: _owns(client, 6))
                await until(lambda: _has(client, 'infrastructure_retries_total{part="another-replica"}'))
                first.process.send_signal(signal.SIGCONT)
                assert (await ended(client, event.workflow_run_id))["status"] == "succeeded"
                await until(_caught_up(world))
    assert set(Counter(_lines(trace)).values()) == {1}


async def test_the_same_run_id_in_two_partitions(world: World, log: EventLog, tmp_path: Path) -> None:
    trace = tmp_path / "log"
    event = trigger("steps", {"log": str(trace), "seconds": 0.2})
    record = records.encode(event)
    with agents_process(world, tmp_path) as first, agents_process(world, tmp_path) as second:
        async with first.client() as one, second.client() as two:
            await until(lambda: _owns(one, 3))
            await until(lambda: _owns(two, 3))
            for partition in range(6):
                log.send_raw(record.value, record.key, record.headers, partition=partition)
            await until(_caught_up(world))
    assert _lines(trace) == [f"run {step}" for step in range(1, 6)]


async def _owns(client: httpx.AsyncClient, partitions: int) -> bool:
    return await _has(client, f"partitions_assigned {partitions}.0")


async def _has(client: httpx.AsyncClient, metric: str) -> bool:
    try:
        return f"tradewind_agents_{metric}" in (await client.get("/metrics")).text
    except httpx.TransportError:
        return False


async def test_postgres_down_and_back(kafka_broker: KafkaBroker, own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.ensure_database("agents")
    world = World(kafka_broker.bootstrap_servers, url, new_topic_set(kafka_broker))
    log, trace = EventLog(world), tmp_path / "log"
    events = [trigger("steps", {"log": str(trace), "name": str(number), "seconds": 0.1}) for number in range(10)]
    async with running(world, concurrency=4, backlog=4) as client:
        await ready(client)
        log.send(*events[:5])
        await until(_at_least(trace, 3))
        await asyncio.to_thread(own_postgres.kill)
        log.send(*events[5:])
        down = await client.get(f"/workflows/{events[0].workflow_run_id}/status")
        not_ready = await client.get("/readyz")
        assert (await client.get("/livez")).status_code == 200
        await asyncio.to_thread(own_postgres.start)
        for event in events:
            assert (await ended(client, event.workflow_run_id, 60))["status"] == "succeeded"
        assert (await client.get("/readyz")).status_code == 200
        await until(_caught_up(world))
    assert (down.status_code, down.headers["retry-after"]) == (503, "5")
    assert down.json()["type"] == "urn:tradewind:problem:engine-unavailable"
    assert (not_ready.status_code, not_ready.text) == (503, "Postgres is unavailable")
    assert set(_lines(trace)) == {f"{run} {step}" for run in range(10) for step in range(1, 6)}


async def test_starts_before_postgres(kafka_broker: KafkaBroker, own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.ensure_database("agents")
    own_postgres.stop()
    world = World(kafka_broker.bootstrap_servers, url, new_topic_set(kafka_broker))
    event = trigger("steps", {"log": str(tmp_path / "log")})
    EventLog(world).send(event)
    async with running(world) as client:
        answer = await client.get("/readyz")
        assert (await client.get("/livez")).status_code == 200
        await asyncio.to_thread(own_postgres.start)
        assert (await ended(client, event.workflow_run_id))["status"] == "succeeded"
    assert (answer.status_code, "Postgres" in answer.text) == (503, True)


async def test_kafka_down_and_back(
    postgres_server: PostgresServer, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with KafkaBroker(tmp_path_factory.mktemp("kafka-faults")) as broker:
        world = World(broker.bootstrap_servers, new_database(postgres_server), new_topic_set(broker))
        log, trace = EventLog(world), tmp_path / "log"
        event = trigger("steps", {"log": str(trace), "seconds": 0.2})
        later = trigger("steps", {"log": str(trace), "name": "later"})
        async with running(world) as client:
            await ready(client)
            log.send(event)
            await until(_at_least(trace, 2))
            await asyncio.to_thread(broker.kill)
            await ended(client, event.workflow_run_id)
            await asyncio.to_thread(broker.start)
            log.send(later)
            await ended(client, later.workflow_run_id, 60)
            await until(_caught_up(world), 60)
        assert [status.payload.status for status in _distinct(log, event.workflow_run_id)] == ["running", "succeeded"]
    assert Counter(_lines(trace)) == Counter(f"{run} {step}" for run in ("run", "later") for step in range(1, 6))


def _distinct(log: EventLog, run_id: str) -> list[WorkflowStatusChanged]:
    """The run's status events without repeats: each is delivered at least once."""
    return list({status.event_id: status for status in log.statuses()[run_id]}.values())
