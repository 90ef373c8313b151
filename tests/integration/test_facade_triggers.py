"""The facade on a real broker: what it said yes to is in the topic, once, whatever happens to broker and facade."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from support.facade import pointers_of, problem_of, trigger_body, until
from support.facade_kafka import StubEngines, World, facade_process, ready
from support.servers import new_topic_set
from tradewind_api import ledger_reader
from tradewind_contracts.events import WorkflowTriggered
from tradewind_local.kafka import KafkaBroker
from tradewind_local.topics import create_topics


@pytest.fixture(scope="module")
def engines() -> Iterator[StubEngines]:
    with StubEngines().listening() as found:
        yield found


@pytest.fixture
def world(kafka_broker: KafkaBroker, engines: StubEngines) -> World:
    return World(kafka_broker.bootstrap_servers, new_topic_set(kafka_broker), engines)


async def trigger(client: httpx.AsyncClient, key: str | None = None) -> httpx.Response:
    headers = {"idempotency-key": key} if key else {}
    return await client.post("/workflows/trigger", json=trigger_body(), headers=headers)


async def test_an_accepted_trigger_stands_in_the_topic_as_it_was_sent(world: World) -> None:
    async with world.running() as client:
        accepted = (await trigger(client)).json()
    [event] = world.events()
    assert isinstance(event, WorkflowTriggered)
    assert (event.workflow_run_id, event.timestamp.isoformat()) == (
        accepted["workflow_run_id"],
        accepted["created_at"].replace("Z", "+00:00"),
    )
    assert event.payload.parameters == trigger_body()["parameters"]


async def test_what_is_refused_leaves_nothing_in_the_topic(world: World) -> None:
    async with world.running() as client:
        body = trigger_body(parameters={"quantity": "many"})
        refused = await client.post("/workflows/trigger", json=body)
        unknown = await client.post("/workflows/trigger", json=trigger_body(workflow_id="nothing"))
    assert sorted(pointers_of(refused)) == ["#/parameters", "#/parameters/quantity"]
    assert problem_of(unknown) == (404, "unknown-workflow")
    assert world.events() == []


async def test_fifty_same_keys_at_once_are_one_event(world: World) -> None:
    async with world.running() as client:
        answers = await asyncio.gather(*(trigger(client, "order-77") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["workflow_run_id"] for answer in answers}) == 1
    assert len(world.events()) == 1


async def test_fifty_same_keys_over_two_facades_are_one_run_id(world: World) -> None:
    async with world.running() as one, world.running() as other:
        answers = await asyncio.gather(*(trigger(client, "order-77") for _ in range(25) for client in (one, other)))
    run_ids = {answer.json()["workflow_run_id"] for answer in answers}
    assert len(run_ids) == 1
    assert {event.workflow_run_id for event in world.events()} == run_ids
    assert len(world.events()) <= 2


async def test_a_killed_broker_is_a_503_and_its_return_needs_no_restart(
    tmp_path: Path, engines: StubEngines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_reader, "_REQUEST_SECONDS", 0.3)
    with KafkaBroker(tmp_path) as broker:
        create_topics(broker.bootstrap_servers)
        world = World(broker.bootstrap_servers, new_topic_set(broker), engines)
        async with world.running(kafka_delivery_timeout_ms=1000, ledger_look_around_seconds=0.2) as client:
            before = await trigger(client, "before")
            broker.kill()
            failed = await trigger(client, "during")
            assert problem_of(failed) == (503, "kafka-unavailable")
            assert int(failed.headers["retry-after"]) > 0
            assert (await client.get(before.headers["location"])).json()["status"] == "triggered"
            broker.start()
            await ready(client)
            after = await trigger(client, "during")
            assert after.status_code == 202
            assert after.headers["location"] == failed.json()["instance"]
            await until(lambda: is_read_to_the_end(client), 20)
        found = {event.workflow_run_id for event in world.events()}
        assert found == {answer.json()["workflow_run_id"] for answer in (before, after)}


async def is_read_to_the_end(client: httpx.AsyncClient) -> bool:
    return "tradewind_ledger_lag_records 0.0" in (await client.get("/metrics")).text


async def test_a_slow_broker_keeps_the_facade_answering(tmp_path: Path, engines: StubEngines) -> None:
    """A broker that stands still (SIGSTOP) takes no trigger, and blocks nothing else."""
    with KafkaBroker(tmp_path) as broker:
        create_topics(broker.bootstrap_servers)
        world = World(broker.bootstrap_servers, new_topic_set(broker), engines)
        async with world.running(kafka_delivery_timeout_ms=1500, kafka_max_in_flight=20) as client:
            assert broker.pid
            os.kill(broker.pid, signal.SIGSTOP)
            try:
                waiting = [asyncio.create_task(trigger(client)) for _ in range(30)]
                async with asyncio.timeout(1):
                    assert (await client.get("/livez")).status_code == 200
                    assert (await client.get("/workflows")).status_code == 200
                answers = await asyncio.gather(*waiting)
            finally:
                os.kill(broker.pid, signal.SIGCONT)
    assert {problem_of(answer) for answer in answers} == {(503, "kafka-unavailable")}
    assert sum("not taken" in answer.json()["detail"] for answer in answers) == 10


async def send_until_it_ends(client: httpx.AsyncClient, accepted: set[str], number: int) -> None:
    for n in range(1000):
        try:
            answer = await trigger(client, f"key-{number}-{n}")
        except httpx.TransportError:
            return
        if answer.status_code == 202:
            accepted.add(answer.json()["workflow_run_id"])


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_no_accepted_trigger_is_lost_when_the_facade_ends(world: World, tmp_path: Path, how: str) -> None:
    accepted: set[str] = set()
    with facade_process(world, tmp_path) as facade:
        async with facade.client() as client:
            await ready(client)
            senders = [asyncio.create_task(send_until_it_ends(client, accepted, number)) for number in range(10)]
            while len(accepted) < 200:
                assert not all(sender.done() for sender in senders), facade.log_file.read_text()
                await asyncio.sleep(0.005)
            await asyncio.to_thread(getattr(facade, how))
            await asyncio.gather(*senders)
    events = world.events()
    assert accepted <= {event.workflow_run_id for event in events}
    if how == "terminate":
        assert "Traceback" not in facade.log_file.read_text()
    with facade_process(world, tmp_path) as facade:
        async with facade.client() as client:
            await ready(client)
            repeats = await asyncio.gather(*(trigger(client, f"key-{number}-0") for number in range(10)))
    assert {answer.json()["deduplicated"] for answer in repeats} == {True}
    assert len(world.events()) == len(events)


async def test_a_body_sent_in_chunks_over_a_socket_is_bounded(world: World, tmp_path: Path) -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b" " * 64 * 1024

    with facade_process(world, tmp_path) as facade:
        async with facade.client() as client:
            await ready(client)
            headers = {"content-type": "application/json"}
            large = await client.post("/workflows/trigger", content=chunks(5), headers=headers)
            blank = await client.post("/workflows/trigger", content=chunks(1), headers=headers)
            assert problem_of(large) == (413, "body-too-large")
            assert problem_of(blank) == (400, "malformed-body")
            assert (await trigger(client, str(uuid.uuid4()))).status_code == 202
