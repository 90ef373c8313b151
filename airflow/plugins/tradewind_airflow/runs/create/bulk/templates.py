"""What the rows of all runs of one DAG version have in common, computed once.

Airflow computes the same values for each run anew (`DagRun.verify_integrity`, `TaskInstance.insert_mapping`). They may
be kept only where none of them depends on the run, so a DAG that is not known to be that plain has no template.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from airflow import settings
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.serialization.definitions.baseoperator import SerializedBaseOperator
from airflow.serialization.definitions.dag import SerializedDAG
from airflow.serialization.definitions.mappedoperator import SerializedMappedOperator
from airflow.serialization.definitions.param import SerializedParamsDict
from airflow.task.priority_strategy import get_airflow_priority_weight_strategies
from jsonschema.exceptions import SchemaError
from jsonschema.validators import validator_for
from sqlalchemy.engine.default import DefaultDialect

from tradewind_airflow.runs import priorities
from tradewind_airflow.weights import RunPriority

_OF_THE_RUN = {"run_id", "context_carrier", "dag_version_id"}


@dataclass(frozen=True)
class RunTemplate:
    """The constant part of a run. `tasks` are rows of `task_instance`, by column, without the run's own columns.

    `weighed` are the ids of the tasks whose weights are those of a run of priority 0, and which the run's may raise.
    """

    pins_bundle: bool
    tasks: tuple[Mapping[str, Any], ...]
    task_types: Mapping[str, int]
    weighed: frozenset[str]

    def rows(self, priority: int) -> Iterator[Mapping[str, Any]]:
        """The tasks' rows in a run of `priority`."""
        for task in self.tasks:
            weight = task["priority_weight"]
            raised = priorities.weight(weight, priority) if task["task_id"] in self.weighed else weight
            yield {**task, "priority_weight": raised}

    def json(self, priority: int) -> str:
        """Return those rows as JSON that Postgres' `json_populate_recordset` takes."""
        return _json(self.rows(priority)) if self.weighed and priority else self._json

    @cached_property
    def _json(self) -> str:
        return _json(self.tasks)


def template_of(dag: SerializedDAG) -> RunTemplate | None:
    """Return the template of a DAG's runs without a logical date; None if its rows may depend on the run."""
    if not _is_plain(dag):
        return None
    tasks = list(dag.task_dict.values())
    return RunTemplate(
        pins_bundle=not dag.disable_bundle_versioning,
        tasks=tuple(_row(task) for task in tasks),
        task_types=Counter(task.task_type for task in tasks),
        weighed=frozenset(task.task_id for task in tasks if isinstance(task.weight_rule, RunPriority)),
    )


def _is_plain(dag: SerializedDAG) -> bool:
    timetable = dag.timetable
    return (
        # A cluster policy may look at the run's conf.
        getattr(settings.task_instance_mutation_hook, "is_noop", False)
        and not dag.deadline
        and not timetable.partitioned
        and not timetable.partitioned_at_runtime
        and _has_sound_schemas(dag.params)
        and all(_is_plain_task(task) for task in dag.task_dict.values())
    )


def _is_plain_task(task: SerializedBaseOperator | SerializedMappedOperator) -> bool:
    return (
        type(task) is SerializedBaseOperator
        and task.get_closest_mapped_task_group() is None
        and type(task.weight_rule) in {RunPriority, *get_airflow_priority_weight_strategies().values()}
    )


def _has_sound_schemas(params: SerializedParamsDict) -> bool:
    # Airflow refuses each run of a DAG with a schema that is invalid; `ParameterSchema` does not check.
    try:
        for name in params:
            schema = params.get_param(name).schema
            validator_for(schema).check_schema(schema)
    except SchemaError:
        return False
    return True


def _row(task: SerializedBaseOperator | SerializedMappedOperator) -> Mapping[str, Any]:
    # `dag_run` only provides the trace context, which is the run's own. The version is the request's.
    given = TaskInstance.insert_mapping("", task, map_index=-1, dag_version_id=None, dag_run=DagRun())
    columns = TaskInstance.__mapper__.columns
    row = {columns[name].name: value for name, value in given.items() if name in columns}
    return {name: value for name, value in row.items() if name not in _OF_THE_RUN}


def _json(rows: Iterable[Mapping[str, Any]]) -> str:
    return json.dumps([{name: _plain(name, value) for name, value in row.items()} for row in rows])


def _plain(name: str, value: Any) -> Any:
    """Return a column's value as Postgres reads it from JSON."""
    process = TaskInstance.__table__.c[name].type.bind_processor(DefaultDialect())
    stored = process(value) if process else value
    return f"\\x{stored.hex()}" if isinstance(stored, bytes) else stored
