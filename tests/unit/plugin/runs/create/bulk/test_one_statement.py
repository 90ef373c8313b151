"""The statement that writes many runs with their task instances: what goes into it."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from tradewind_airflow.runs import priorities
from tradewind_airflow.runs.create.bulk import one_statement, run_rows
from tradewind_airflow.runs.create.bulk.one_statement import PlainRun
from tradewind_airflow.runs.create.bulk.templates import RunTemplate
from tradewind_airflow.runs.dags import DagKey

ROW = {"task_id": "one", "priority_weight": 7, "executor_config": {"cpu": 2}, "executor": None}
SPAN = f"00-{'1' * 32}-{'2' * 16}-00"
RUN = {"context_carrier": {"traceparent": SPAN, "tracestate": "airflow/task_span_detail_level=2"}}


class Recorder:
    """A session that keeps what it was given."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, Any]] = []

    def scalars(self, _: object, given: Mapping[str, Any]) -> list[str]:
        self.given.append(given)
        return []


def run(run_id: str, *, weighed: bool = False, version: int = 1, priority: int = 0, tasks: int = 1) -> PlainRun:
    template = RunTemplate(
        pins_bundle=True,
        tasks=(ROW,) * tasks,
        task_types={},
        weighed=frozenset({"one"} if weighed else ()),
    )
    item = SimpleNamespace(workflow_run_id=run_id, priority=priority, origin=None)
    key = DagKey(UUID(int=version), "hash")
    dag = SimpleNamespace(dag_id="trades")
    request: Any = SimpleNamespace(run_id=run_id, item=item, dag=dag, key=key, conf={})
    return PlainRun(request, template, run_rows.run_row(request, "desk"), [{}])


def written(*runs: PlainRun) -> Mapping[str, Any]:
    session = Recorder()
    one_statement.write(cast("Any", session), runs, "desk")
    (given,) = session.given
    return {name: json.loads(given[name]) for name in ("templates", "runs")}


def test_a_dag_is_sent_once_whatever_the_number_of_its_runs() -> None:
    given = written(run("a"), run("b", version=2), run("c", priority=9))
    assert [template["version"] for template in given["templates"]] == [str(UUID(int=1)), str(UUID(int=2))]
    assert [(row["run_id"], row["n"]) for row in given["runs"]] == [("a", 0), ("b", 1), ("c", 0)]


def test_a_weighed_dag_is_sent_once_for_each_priority() -> None:
    given = written(run("a", weighed=True), run("b", weighed=True, priority=3), run("c", weighed=True, priority=3))
    weights = [[task["priority_weight"] for task in template["tasks"]] for template in given["templates"]]
    assert weights == [[7], [priorities.weight(7, 3)]]
    assert [row["n"] for row in given["runs"]] == [0, 1, 1]


def test_bytes_are_as_postgres_reads_them() -> None:
    (task,) = written(run("a"))["templates"][0]["tasks"]
    assert task["executor_config"].startswith("\\x80")
    assert task["executor"] is None


def test_a_dag_without_tasks_is_sent_like_any_other() -> None:
    assert written(run("a", tasks=0))["templates"][0]["tasks"] == []


def test_the_tasks_share_a_trace_context_unless_each_has_a_span_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    (shared,) = run_rows.task_contexts(RUN, 3)
    assert shared["traceparent"] == SPAN
    spans = iter("345")
    monkeypatch.setattr(
        run_rows, "new_task_run_carrier", lambda _: {"traceparent": SPAN.replace("2" * 16, next(spans) * 16)}
    )
    contexts = run_rows.task_contexts(RUN, 3)
    assert [context["traceparent"].split("-")[2] for context in contexts] == ["3" * 16, "4" * 16, "5" * 16]
