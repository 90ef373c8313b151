"""`GET /workflows/runs`: the list of runs."""

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
"""A time that every database and every time zone can represent."""


class RunQuery(RequestModel):
    """Which runs to list. Filters are joined by "and", the values of one filter by "or"."""

    workflow_id: list[WorkflowId] = Field(default=[], max_length=100, description="Of these workflows")
    status: list[RunStatus] = Field(
        default=[],
        max_length=len(RunStatus),
        description="The run's current status. `held`: queued, its DAG is paused; `queued`: queued, its DAG is not; "
        "`waiting`: running, waiting for human input; `running`: running, and not waiting; `cancelled` and `failed`: "
        "failed, with and without a cancel that had an effect. No Airflow run is `triggered` or `rejected`.",
    )
    created_after: Instant | None = Field(default=None, description="Created at this time or later")
    created_before: Instant | None = Field(default=None, description="Created earlier than this time")
    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_KEY_LENGTH,
        description="Created by your trigger with this `Idempotency-Key`, without quotes; requires `workflow_id`",
    )
    cursor: str | None = Field(
        default=None, max_length=page_cursors.MAX_LENGTH, description="`next_cursor` of the previous page"
    )
    limit: int = Field(default=50, ge=1, le=500)


@router.get("/workflows/runs")
def list_runs(caller: CallerDep, query: Annotated[RunQuery, Query()]) -> WorkflowRunPage:
    """Return the matching runs of the workflows that you may read, newest first, without results and errors.

    Runs created after the first page are not on the following pages; start again to see them.
    """
    found, below = run_list.page(caller, query.workflow_id, _filter(query, caller), query.limit)
    return WorkflowRunPage(runs=found, next_cursor=None if below is None else page_cursors.encode(below))


def _filter(query: RunQuery, caller: Caller) -> RunFilter:
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
        raise problem_error(ProblemType.INVALID_REQUEST, "idempotency_key requires workflow_id", errors=[found])
    return frozenset(run_ids.from_idempotency_key(caller.name, workflow, key) for workflow in query.workflow_id)
