"""When a DAG's runs may be made in bulk."""

from typing import Any

import pytest
from airflow import settings
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.definitions.param import SerializedParam, SerializedParamsDict
from airflow.serialization.serialized_objects import DagSerialization
from airflow.task.priority_strategy import PriorityWeightStrategy

from tradewind_airflow.runs.create.bulk.templates import template_of
from tradewind_airflow.weights import RunPriority


@pytest.fixture
def dag() -> SerializedDAG:
    with DAG("plain", schedule=None, params={"isin": Param("DE", type="string")}) as dag:
        EmptyOperator(task_id="first", pool="desk") >> EmptyOperator(task_id="second")
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def test_a_plain_dag_has_a_row_per_task(dag: SerializedDAG) -> None:
    template = template_of(dag)
    assert template is not None
    assert template.task_types == {"EmptyOperator": 2}
    assert [(row["task_id"], row["pool"], row["priority_weight"]) for row in template.tasks] == [
        ("first", "desk", 2),
        ("second", "default_pool", 1),
    ]
    assert not any({"run_id", "context_carrier"} & row.keys() for row in template.tasks)


def test_a_weight_rule_of_somebody_is_asked_for_each_run(dag: SerializedDAG, monkeypatch: pytest.MonkeyPatch) -> None:
    class ByConf(PriorityWeightStrategy):
        def get_weight(self, ti: Any) -> int:
            return int(ti.dag_run.conf["weight"])

    monkeypatch.setattr(dag.task_dict["second"], "_weight_rule", ByConf())
    assert template_of(dag) is None


def test_a_task_that_goes_by_the_runs_priority_is_remembered(
    dag: SerializedDAG, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dag.task_dict["second"], "_weight_rule", RunPriority())
    template = template_of(dag)
    assert template is not None
    assert template.weighed == {"second"}


def test_a_cluster_policy_is_asked_for_each_run(dag: SerializedDAG, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "task_instance_mutation_hook", lambda task, **_: setattr(task, "queue", "fast"))
    assert template_of(dag) is None


def test_an_invalid_schema_is_left_to_airflow(dag: SerializedDAG) -> None:
    dag.params = SerializedParamsDict({"odd": SerializedParam("x", type="no such type")})
    assert template_of(dag) is None
