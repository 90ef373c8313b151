"""The trigger around the thread: cancelled, cleaned up, refused."""

import asyncio
import threading
from dataclasses import asdict

import pytest

from support.airflow_server import AirflowServer
from support.ingestion import Ingestion, until
from support.servers import new_topic_set
from tradewind_airflow.triggerer.errors import ConfigurationError
from tradewind_airflow.triggers import WorkflowEventsTrigger
from tradewind_local.kafka import KafkaBroker


@pytest.fixture
def ingestion(kafka_broker: KafkaBroker, airflow_server: AirflowServer, monkeypatch: pytest.MonkeyPatch) -> Ingestion:
    ingestion = Ingestion(kafka_broker.bootstrap_servers, airflow_server, new_topic_set(kafka_broker))
    for name, value in ingestion.connections.items():
        monkeypatch.setenv(name, value)
    return ingestion


async def consume(trigger: WorkflowEventsTrigger) -> None:
    """As `TriggerRunner.run_trigger` does it."""
    try:
        async for _ in trigger.run():
            pass
    finally:
        await trigger.cleanup()


def ingestion_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "tradewind-ingestion"]


async def test_a_cancelled_trigger_leaves_its_group_and_blocks_nothing(ingestion: Ingestion) -> None:
    task = asyncio.create_task(consume(WorkflowEventsTrigger(**asdict(ingestion.settings))))
    await asyncio.to_thread(until, lambda: ingestion.members() == 1)
    loop = asyncio.get_running_loop()
    ticks = 0
    start = loop.time()
    while loop.time() - start < 1.0:
        await asyncio.sleep(0.01)
        ticks += 1
    # The loop went round all the time: the consumer polls on its own thread.
    assert ticks > 50
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ingestion.members) == 0
    # The thread tells of its end as the last thing it does.
    await asyncio.to_thread(until, lambda: not ingestion_threads(), 5)


async def test_killing_its_task_is_not_destructive(ingestion: Ingestion) -> None:
    trigger = WorkflowEventsTrigger(**asdict(ingestion.settings))
    task = asyncio.create_task(consume(trigger))
    await asyncio.to_thread(until, lambda: ingestion.members() == 1)
    await trigger.on_kill()
    assert not task.done()
    assert await asyncio.to_thread(ingestion.members) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_connection_with_automatic_commits_fails_the_trigger(
    ingestion: Ingestion, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion.kafka_extra["enable.auto.commit"] = "true"
    for name, value in ingestion.connections.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=r"enable\.auto\.commit"):
        await asyncio.wait_for(consume(WorkflowEventsTrigger(**asdict(ingestion.settings))), 20)
    # The thread tells of its end as the last thing it does.
    await asyncio.to_thread(until, lambda: not ingestion_threads(), 5)
