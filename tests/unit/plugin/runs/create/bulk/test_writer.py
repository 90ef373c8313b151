"""Which requests may be created in bulk."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.serialized_objects import DagSerialization

from tradewind_airflow.runs.create.bulk.writer import PostgresWriter
from tradewind_airflow.runs.dags import DagKey


@pytest.fixture(scope="module")
def dag() -> SerializedDAG:
    with DAG("plain", schedule=None) as dag:
        EmptyOperator(task_id="only")
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def is_suited(dag: SerializedDAG, run_id: str, dialect: str = "postgresql") -> bool:
    request: Any = SimpleNamespace(dag=dag, key=DagKey(UUID(int=1), "hash"), run_id=run_id)
    session: Any = SimpleNamespace(get_bind=lambda: SimpleNamespace(dialect=SimpleNamespace(name=dialect)))
    return PostgresWriter().suited(session, [request]) == [request]


@pytest.mark.parametrize(
    ("run_id", "expected"), [("0197-abc~1", True), ("a..b", False), ("a/b", False), ("backfill__1", False)]
)
def test_ids_that_airflow_may_refuse_are_left_to_it(dag: SerializedDAG, run_id: str, expected: bool) -> None:
    assert is_suited(dag, run_id) is expected


@pytest.mark.parametrize("dialect", ["mysql", "sqlite"])
def test_other_databases_are_left_to_airflow(dag: SerializedDAG, dialect: str) -> None:
    assert not is_suited(dag, "fine", dialect)


def test_a_dag_without_a_template_is_left_to_airflow(dag: SerializedDAG, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewind_airflow.runs.create.bulk.writer.template_of", lambda _: None)
    assert not is_suited(dag, "fine")
