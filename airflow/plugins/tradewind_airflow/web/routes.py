"""Airflow's workflows over REST: the same paths and models as the facade's, with Airflow's own users and rights.

Handlers are plain functions: FastAPI runs them on worker threads, so that the database never blocks the event loop.
"""

from datetime import UTC, datetime
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, Header, Query, Request, Response, status

from tradewind_airflow.runs import listing
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog
from tradewind_airflow.runs.status import AmbiguousRunError, StatusService, UnknownRunError
from tradewind_airflow.runs.triggering import TriggerService
from tradewind_airflow.web import bodies, headers
from tradewind_airflow.web.errors import ApiError, api_error
from tradewind_contracts import run_ids
from tradewind_contracts.batches import BatchItem, BatchResponse, ItemResult, Outcome
from tradewind_contracts.problems import FieldError, ProblemType, problem
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import (
    RunStatus,
    WorkflowId,
    WorkflowInfo,
    WorkflowRequest,
    WorkflowResponse,
    WorkflowStatus,
)

router = APIRouter(tags=["workflows"])


def caller(user: GetUserDep) -> Caller:
    """Return who asks, for this one request."""
    return Caller(user)


def catalog(request: Request) -> Catalog:
    """Return the process's catalog."""
    return request.app.state.catalog  # type: ignore[no-any-return]  # set by `create_app`


CallerDep = Annotated[Caller, Depends(caller)]
CatalogDep = Annotated[Catalog, Depends(catalog)]


@router.get("/workflows")
def list_workflows(workflows: CatalogDep, caller: CallerDep) -> list[WorkflowInfo]:
    """Return the DAGs that you may read, with the JSON Schema of their parameters."""
    return listing.workflows(workflows, caller)


@router.post("/workflows/trigger", status_code=status.HTTP_202_ACCEPTED)
def trigger_workflow(  # FastAPI's way to name what a request brings
    request: Request,
    response: Response,
    workflows: CatalogDep,
    caller: CallerDep,
    body: Annotated[bytes, Depends(bodies.bounded(bodies.SINGLE_BYTES))],
    idempotency_key: Annotated[list[str] | None, Header()] = None,
) -> WorkflowResponse:
    """Make one run; `deduplicated` and `Idempotent-Replayed: true` where this `Idempotency-Key` had made it before."""
    wanted = bodies.parse(WorkflowRequest, body)
    key = headers.idempotency_key(idempotency_key or [])
    run_id = run_ids.from_idempotency_key(caller.name, wanted.workflow_id, key) if key else run_ids.new()
    item = BatchItem(**wanted.model_dump(), workflow_run_id=run_id)
    answer = TriggerService(workflows).trigger([item], caller)[0]
    result = accepted(answer.result)
    repeated = result.outcome is Outcome.EXISTS
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/workflows/{run_id}/status"
    return WorkflowResponse(
        workflow_run_id=run_id,
        status=result.status or RunStatus.QUEUED,
        created_at=answer.created_at or datetime.now(UTC),
        workflow_id=wanted.workflow_id,
        workflow_type=wanted.workflow_type,
        deduplicated=repeated,
    )


def accepted(result: ItemResult) -> ItemResult:
    """Return the result of an item that has a run; raise its problem as `ApiError`."""
    if result.problem:
        raise ApiError(result.problem)
    return result


@router.post("/workflows/trigger/batch")
def trigger_batch(
    workflows: CatalogDep, caller: CallerDep, body: Annotated[bytes, Depends(bodies.bounded(bodies.BATCH_BYTES))]
) -> BatchResponse:
    """Make up to 500 runs in one transaction; each item gets its own answer, and costs no other item its run."""
    items = bodies.parse_items(BatchItem, body)
    answers = iter(TriggerService(workflows).trigger([item for item in items if isinstance(item, BatchItem)], caller))
    return BatchResponse(
        items=[next(answers).result if isinstance(item, BatchItem) else not_an_item(item) for item in items]
    )


def not_an_item(errors: list[FieldError]) -> ItemResult:
    """Return the answer to what is no trigger at all."""
    why = problem(ProblemType.INVALID_REQUEST, f"{len(errors)} field(s) do not fit", errors=errors)
    return ItemResult(outcome=Outcome.REJECTED, workflow_run_id=None, problem=why)


@router.get("/workflows/{workflow_run_id}/status")
def workflow_status(
    workflow_run_id: RunId,
    workflows: CatalogDep,
    caller: CallerDep,
    workflow_id: Annotated[WorkflowId | None, Query(description="Whose run, where several DAGs have this id")] = None,
) -> WorkflowStatus:
    """Return where a run is. Runs that Tradewind did not make are answered for as well."""
    try:
        return StatusService(workflows).status(workflow_run_id, caller, workflow_id)
    except UnknownRunError as error:
        raise api_error(ProblemType.UNKNOWN_RUN, f"no DAG that you may read has a run {workflow_run_id!r}") from error
    except AmbiguousRunError as error:
        detail = f"several DAGs have this run: {', '.join(error.args)}; say which one by ?workflow_id="
        raise api_error(ProblemType.STATE_CONFLICT, detail) from error
