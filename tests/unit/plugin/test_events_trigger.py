from typing import Any

from airflow._shared.module_loading import import_string
from airflow.models.trigger import Trigger
from airflow.sdk import DAG
from airflow.serialization.decoders import smart_decode_trigger_kwargs
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization
from airflow.triggers.base import StartTriggerArgs

from tradewind_airflow.ingestion.settings import IngestionSettings
from tradewind_airflow.sensors import WorkflowEventsSensor
from tradewind_airflow.triggers import WorkflowEventsTrigger

OTHER = IngestionSettings(
    kafka_conn_id="k", airflow_conn_id="a", topic="t", dead_letter_topic="d", group_id="g", unavailable_patience=1.5
)


def test_a_trigger_is_made_again_from_what_it_serializes_to() -> None:
    path, arguments = WorkflowEventsTrigger(topic="t", unavailable_patience=1.5).serialize()
    again = import_string(path)(**arguments)
    assert isinstance(again, WorkflowEventsTrigger)
    assert again.serialize() == (path, arguments)
    assert arguments["topic"] == "t"
    assert arguments["unavailable_patience"] == 1.5


def serialized(settings: IngestionSettings | None = None) -> Any:
    with DAG("test") as dag:
        WorkflowEventsSensor(task_id="consume", settings=settings)
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert isinstance(again, SerializedDAG)
    return again.get_task("consume")


def test_the_scheduler_starts_the_trigger_that_the_dag_describes() -> None:
    task = serialized(OTHER)
    assert task.start_from_trigger is True
    arguments: StartTriggerArgs = task.start_trigger_args
    # As the triggerer gets them, out of the database (`TriggerRunner.create_triggers`).
    stored = Trigger._decrypt_kwargs(Trigger.encrypt_kwargs(arguments.trigger_kwargs or {}))
    given = {
        name: smart_decode_trigger_kwargs(value)  # type: ignore[no-untyped-call]  # published so
        for name, value in stored.items()
    }
    trigger = import_string(arguments.trigger_cls)(**given)
    assert trigger.serialize()[1] == WorkflowEventsTrigger(**vars(OTHER)).serialize()[1]
    assert arguments.next_method == "execute_complete"
    assert arguments.timeout is None


def test_the_task_comes_back_within_seconds_without_a_limit() -> None:
    task = serialized()
    assert task.retries >= 1_000_000
    assert task.retry_delay.total_seconds() <= 2
    assert not task.retry_exponential_backoff
    assert task.execution_timeout is None


async def test_a_trigger_that_never_ran_has_nothing_to_clean_up() -> None:
    await WorkflowEventsTrigger().cleanup()
