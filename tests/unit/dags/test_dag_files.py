"""The plugin's DAG files, parsed by Airflow."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

DAGS = Path(__file__).resolve().parents[3] / "airflow" / "dags"


def parsed(name: str) -> DAG:
    bag = DagBag(str(DAGS / f"{name}.py"), load_op_links=False)
    assert bag.import_errors == {}
    dag = bag.dags[name]
    assert isinstance(dag, DAG)
    return dag


@pytest.mark.parametrize("name", ["workflow_events", "workflow_lifecycle"])
def test_internal_dags_run_continuously_and_once(name: str) -> None:
    dag = parsed(name)
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert "tradewind-internal" in dag.tags
    assert str(dag.schedule) == "@continuous"


def test_the_example_has_parameters() -> None:
    dag = parsed("example_workflow")
    assert dag.description
    assert dag.schedule is None
    assert list(dag.params.keys()) == ["message", "count"]
    assert dag.params.get_param("count").value == 1


@pytest.mark.parametrize("name", ["workflow_events", "workflow_lifecycle", "example_workflow"])
def test_a_new_stack_runs_them_at_once(name: str) -> None:
    assert parsed(name).is_paused_upon_creation is False


def test_the_lifecycles_dags_are_configurable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__TRADEWIND__LIFECYCLE_INCLUDE", "eod_*")
    monkeypatch.setenv("AIRFLOW__TRADEWIND__LIFECYCLE_EXCLUDE", "eod_test")
    [task] = parsed("workflow_lifecycle").tasks
    assert task.start_trigger_args
    arguments = task.start_trigger_args.trigger_kwargs or {}
    assert (arguments["include"], arguments["exclude"]) == ("eod_*", "eod_test")
