"""The list of runs, over REST."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, Field

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.read import run_list
from tradewind_airflow.runs.read.run_filter import RunFilter
from tradewind_airflow.web import page_cursors
from tradewind_airflow.web.dependencies import CallerDep
from tradewind_contracts import run_ids
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.workflows import RequestModel, RunStatus, WorkflowId, WorkflowRunPage
from tradewind_service.problem_responses import problem_error
from tradewind_service.request_headers import MAX_KEY_LENGTH

router = APIRouter(tags=["workflows"])

Instant = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]
"""A time that every database and every time zone can hold."""


class RunQuery(RequestModel):
    """Which runs to list. Filters are joined by "and", the values of one filter by "or"."""

    workflow_id: list[WorkflowId] = Field(default=[], max_length=100, description="Of these workflows")
    status: list[RunStatus] = Field(
        default=[],
        max_length=len(RunStatus),
        description="What the run's status reads now. `held`: queued, its DAG is paused; `queued`: queued, its DAG is "
        "not; `waiting`: running, and a person is asked; `running`: running, and nobody is; `cancelled` and `failed`: "
        "ended as failed, with and without a cancel that had an effect. Airflow has no run that is `triggered` or "
        "`rejected`.",
    )
    created_after: Instant | None = Field(default=None, description="Created at this time or later")
    created_before: Instant | None = Field(default=None, description="Created earlier than this time")
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="Made by your own trigger with this `Idempotency-Key`, given without quotes; needs `workflow_id`",
    )
    cursor: str | None = Field(
        default=None, max_length=page_cursors.MAX_LENGTH, description="`next_cursor` of the page before"
    )
    limit: int = Field(default=50, ge=1, le=500)


@router.get("/workflows/runs")
def list_runs(caller: CallerDep, query: Annotated[RunQuery, Query()]) -> WorkflowRunPage:
    """Return the runs that fit, newest first, of the workflows that you may read; results and errors are left out.

    Runs that are made while you turn the pages are on none of them; begin again to see them.
    """
    found, below = run_list.page(caller, query.workflow_id, _wanted(query, caller), query.limit)
    return WorkflowRunPage(runs=found, next_cursor=None if below is None else page_cursors.encode(below))


def _wanted(query: RunQuery, caller: Caller) -> RunFilter:
    return RunFilter(
        statuses=frozenset(query.status),
        run_ids=None if query.idempotency_key is None else _run_ids(query.idempotency_key, query, caller),
        created_after=query.created_after,
        created_before=query.created_before,
        end_id=page_cursors.decode(query.cursor) if query.cursor else None,
    )


def _run_ids(key: str, query: RunQuery, caller: Caller) -> frozenset[str]:
    if not query.workflow_id:
        found = FieldError(pointer=pointer(["query", "workflow_id"]), detail="required with idempotency_key")
        raise problem_error(ProblemType.INVALID_REQUEST, "an idempotency key needs its workflow", errors=[found])
    return frozenset(run_ids.from_idempotency_key(caller.name, workflow, key) for workflow in query.workflow_id)
