"""What we use of Airflow without its promise. A new version that changes it has to fail here, not in production."""

import inspect

import pytest
from airflow import __version__
from airflow.models.dagrun import DagRun
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.definitions.param import SerializedParam
from airflow.triggers.base import StartTriggerArgs


def test_the_version_is_the_one_that_was_read() -> None:
    assert __version__.startswith("3.3.")


def test_create_dagrun_takes_what_we_give_it() -> None:
    ours = {
        "run_id",
        "logical_date",
        "run_after",
        "conf",
        "run_type",
        "triggered_by",
        "triggering_user_name",
        "state",
        "session",
    }
    parameters = inspect.signature(SerializedDAG.create_dagrun).parameters
    assert ours <= parameters.keys()
    required = {name for name, one in parameters.items() if one.default is one.empty and name != "self"}
    assert required <= ours


def test_airflow_still_rolls_back_when_task_rows_fail() -> None:
    """`TransactionLostError` guards against it; when this is mended, the guard may go."""
    assert "session.rollback()" in inspect.getsource(DagRun._create_task_instances)


@pytest.mark.parametrize("field", ["value", "schema", "description"])
def test_a_param_has_the_fields_we_read(field: str) -> None:
    assert hasattr(SerializedParam("x", "y", type="string"), field)


def test_the_scheduler_can_start_a_trigger() -> None:
    assert {"trigger_cls", "trigger_kwargs", "next_method", "timeout"} <= inspect.signature(
        StartTriggerArgs
    ).parameters.keys()
