"""The statement that writes the task instances of many runs: what goes into it."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from tradewind_airflow.runs import priorities, task_rows
from tradewind_airflow.runs.catalog import DagKey
from tradewind_airflow.runs.orders import RunOrder
from tradewind_airflow.runs.templates import RunTemplate

ROW = {"task_id": "one", "priority_weight": 7, "executor_config": {"cpu": 2}, "executor": None}
SPAN = f"00-{'1' * 32}-{'2' * 16}-00"
RUN = {"context_carrier": {"traceparent": SPAN, "tracestate": "airflow/task_span_detail_level=2"}}


class Recorder:
    """A session that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, Any]] = []

    def execute(self, _: object, given: Mapping[str, Any]) -> None:
        self.given.append(given)


def order(run_id: str, *, weighed: bool = False, version: int = 1, priority: int = 0, tasks: int = 1) -> RunOrder:
    template = RunTemplate(
        pins_bundle=True,
        tasks=(ROW,) * tasks,
        task_types={},
        weighed=frozenset({"one"} if weighed else ()),
    )
    item = SimpleNamespace(workflow_run_id=run_id, priority=priority)
    return cast(
        "RunOrder",
        SimpleNamespace(run_id=run_id, item=item, key=DagKey(UUID(int=version), "hash"), template=template),
    )


def written(*orders: RunOrder) -> Mapping[str, Any]:
    session = Recorder()
    task_rows.insert(cast("Any", session), orders, {order.run_id: {} for order in orders})
    (given,) = session.given
    return {name: json.loads(given[name]) for name in ("templates", "runs")}


def test_a_dag_is_told_once_whatever_the_number_of_its_runs() -> None:
    given = written(order("a"), order("b", version=2), order("c", priority=9))
    assert [template["version"] for template in given["templates"]] == [str(UUID(int=1)), str(UUID(int=2))]
    assert [(run["run_id"], run["n"]) for run in given["runs"]] == [("a", 0), ("b", 1), ("c", 0)]


def test_a_dag_that_is_weighed_is_told_once_for_each_priority() -> None:
    given = written(
        order("a", weighed=True), order("b", weighed=True, priority=3), order("c", weighed=True, priority=3)
    )
    weights = [[task["priority_weight"] for task in template["tasks"]] for template in given["templates"]]
    assert weights == [[7], [priorities.weight(7, 3)]]
    assert [run["n"] for run in given["runs"]] == [0, 1, 1]


def test_bytes_are_as_postgres_reads_them() -> None:
    (task,) = written(order("a"))["templates"][0]["tasks"]
    assert task["executor_config"].startswith("\\x80")
    assert task["executor"] is None


def test_a_dag_without_tasks_needs_no_statement() -> None:
    session = Recorder()
    task_rows.insert(cast("Any", session), [order("a", tasks=0)], {"a": {}})
    assert session.given == []


def test_the_tasks_share_a_trace_context_unless_each_has_a_span_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {"a": RUN}
    shared = task_rows.carriers([order("a")], runs)
    assert shared is not None
    assert shared["a"]["traceparent"] == SPAN
    monkeypatch.setattr(task_rows, "new_task_run_carrier", lambda _: {"traceparent": SPAN.replace("2", "3")})
    assert task_rows.carriers([order("a")], runs) is None
