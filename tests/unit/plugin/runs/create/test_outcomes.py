import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tradewind_airflow.runs.create import outcomes
from tradewind_airflow.runs.create.existing_runs import ExistingRun
from tradewind_airflow.runs.dags import DagKey, DagRecord
from tradewind_contracts.batches import BatchItem, Outcome
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import RunStatus, WorkflowType

NOW = datetime(2026, 11, 23, tzinfo=UTC)
ITEM = BatchItem(
    workflow_id="recon", workflow_type=WorkflowType.AIRFLOW, parameters={"a": 1, "b": [2.0]}, workflow_run_id="run-1"
)
DAG = DagRecord("recon", "", False, False, False, True, DagKey(uuid.uuid4(), "hash"))
RUN = ExistingRun("recon", "run-1", "queued", {"b": [2], "a": 1}, ITEM.priority, NOW)


def test_who_may_not_trigger_learns_nothing() -> None:
    answer = outcomes.barred(ITEM, may_trigger=False)
    assert answer
    assert answer.result.outcome is Outcome.FORBIDDEN
    assert answer.result.problem
    assert answer.result.problem.status == 403


def test_another_engines_workflow_is_rejected() -> None:
    answer = outcomes.barred(ITEM.model_copy(update={"workflow_type": WorkflowType.LANGGRAPH}), may_trigger=True)
    assert answer
    assert answer.result.outcome is Outcome.REJECTED
    assert answer.result.problem
    assert answer.result.problem.errors[0].pointer == "#/workflow_type"


def test_what_is_allowed_is_not_barred() -> None:
    assert outcomes.barred(ITEM, may_trigger=True) is None


@pytest.mark.parametrize(
    ("workflow", "outcome", "kind"),
    [
        (None, Outcome.REJECTED, ProblemType.UNKNOWN_WORKFLOW),
        (replace(DAG, allows_manual_runs=False), Outcome.REJECTED, ProblemType.UNKNOWN_WORKFLOW),
        (replace(DAG, has_import_errors=True), Outcome.UNAVAILABLE, ProblemType.WORKFLOW_UNAVAILABLE),
        (replace(DAG, is_stale=True), Outcome.UNAVAILABLE, ProblemType.WORKFLOW_UNAVAILABLE),
        (replace(DAG, key=None), Outcome.UNAVAILABLE, ProblemType.WORKFLOW_UNAVAILABLE),
    ],
)
def test_a_workflow_that_cannot_run_says_why(workflow: DagRecord | None, outcome: Outcome, kind: ProblemType) -> None:
    answer = outcomes.refused(ITEM, workflow)
    assert answer
    assert answer.result.outcome is outcome
    assert answer.result.problem
    assert answer.result.problem.type == kind.uri
    assert (answer.result.problem.retry_after is not None) == (outcome is Outcome.UNAVAILABLE)


@pytest.mark.parametrize("workflow", [DAG, replace(DAG, is_paused=True)])
def test_a_paused_workflow_may_run(workflow: DagRecord) -> None:
    assert outcomes.refused(ITEM, workflow) is None


def test_the_same_request_exists_whatever_the_order_of_its_keys() -> None:
    answer = outcomes.compared(ITEM, [RUN], replace(DAG, is_paused=True))
    assert answer.result.outcome is Outcome.EXISTS
    assert answer.result.status is RunStatus.HELD
    assert answer.created_at == NOW


@pytest.mark.parametrize("change", [{"dag_id": "other"}, {"parameters": {"a": 1}}, {"priority": 10}])
def test_another_request_for_the_id_is_a_conflict(change: dict[str, Any]) -> None:
    answer = outcomes.compared(ITEM, [replace(RUN, **change)], DAG)
    assert answer.result.outcome is Outcome.CONFLICT
    assert answer.result.problem
    assert answer.result.problem.type == ProblemType.IDEMPOTENCY_CONFLICT.uri
