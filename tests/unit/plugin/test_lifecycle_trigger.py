import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from airflow._shared.module_loading import import_string
from airflow.models.trigger import Trigger
from airflow.sdk import DAG
from airflow.serialization.decoders import smart_decode_trigger_kwargs
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization

from support.airflow_home import DAGS, environment
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.sensors import WorkflowLifecycleSensor
from tradewind_airflow.triggers import WorkflowLifecycleTrigger

OTHER = LifecycleSettings(
    kafka_conn_id="k", airflow_conn_id="a", topic="t", publisher="p", include="i", exclude="e", look_back=1.5, wait=3
)


def test_a_trigger_is_made_again_from_what_it_serializes_to() -> None:
    path, arguments = WorkflowLifecycleTrigger(**vars(OTHER)).serialize()
    again = import_string(path)(**arguments)
    assert isinstance(again, WorkflowLifecycleTrigger)
    assert again.serialize() == (path, vars(OTHER))


def serialized(settings: LifecycleSettings | None = None) -> Any:
    with DAG("test") as dag:
        WorkflowLifecycleSensor(task_id="publish", settings=settings)
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert isinstance(again, SerializedDAG)
    return again.get_task("publish")


def test_the_scheduler_starts_the_trigger_that_the_dag_describes() -> None:
    task = serialized(OTHER)
    assert task.start_from_trigger is True
    # As the triggerer gets them, out of the database (`TriggerRunner.create_triggers`).
    stored = Trigger._decrypt_kwargs(Trigger.encrypt_kwargs(task.start_trigger_args.trigger_kwargs))
    given = {
        name: smart_decode_trigger_kwargs(value)  # type: ignore[no-untyped-call]  # published so
        for name, value in stored.items()
    }
    trigger = import_string(task.start_trigger_args.trigger_cls)(**given)
    assert isinstance(trigger, WorkflowLifecycleTrigger)
    assert trigger.serialize()[1] == vars(OTHER)


def test_the_task_comes_back_within_seconds_without_a_limit() -> None:
    task = serialized()
    assert task.retries >= 1_000_000
    assert task.retry_delay.total_seconds() <= 2
    assert task.execution_timeout is None


PARSE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
before = set(sys.modules)
bag = DagBag(sys.argv[1], load_op_links=False)
heavy = [name for name in ("fastapi", "confluent_kafka", "airflow.providers.apache.kafka.hooks") if name in sys.modules]
print(json.dumps({"errors": bag.import_errors, "dags": sorted(bag.dags), "heavy": heavy}))
"""


def test_parsing_the_dag_loads_neither_kafka_nor_fastapi(tmp_path: Any) -> None:
    command = [sys.executable, "-c", PARSE, str(DAGS / "workflow_lifecycle.py")]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {"errors": {}, "dags": ["workflow_lifecycle"], "heavy": []}


class Thread:
    """A worker that ends when it is told to."""

    def __init__(self, on_end: Callable[[BaseException | None], None]) -> None:
        self.on_end = on_end
        self.started = threading.Event()
        self.stopped = threading.Event()

    def start(self) -> None:
        self.started.set()

    def stop(self) -> None:
        self.stopped.set()


class OwnThread(WorkflowLifecycleTrigger):
    """With a thread of the test's."""

    thread: Thread

    def worker(self, settings: object, on_end: Callable[[BaseException | None], None]) -> Any:  # noqa: ARG002  # as the parent's
        self.thread = Thread(on_end)
        return self.thread


async def running() -> tuple[OwnThread, "asyncio.Task[list[Any]]"]:
    trigger = OwnThread()

    async def events() -> list[Any]:
        return [event async for event in trigger.run()]

    task = asyncio.create_task(events())
    await asyncio.sleep(0)
    assert trigger.thread.started.is_set()
    return trigger, task


async def test_a_cancelled_trigger_stops_its_thread_and_waits_for_nobody() -> None:
    trigger, task = await running()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(trigger.cleanup(), 1)
    assert trigger.thread.stopped.is_set()


async def test_a_thread_that_ends_in_order_ends_the_trigger() -> None:
    trigger, task = await running()
    trigger.thread.on_end(None)
    assert [event.payload for event in await task] == [{"status": "stopped"}]


async def test_a_thread_that_fails_fails_the_trigger() -> None:
    trigger, task = await running()
    trigger.thread.on_end(ValueError("as it is configured"))
    with pytest.raises(ValueError, match="as it is configured"):
        await task


async def test_a_trigger_that_never_ran_has_nothing_to_clean_up() -> None:
    await WorkflowLifecycleTrigger().cleanup()
