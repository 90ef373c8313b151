"""Airflow's workflows over REST: the list, and triggers of one run or many.

The paths and models are the facade's, with Airflow's own users and permissions. Handlers are plain functions: FastAPI
runs them on worker threads, so that the database never blocks the event loop.
"""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response, status

from tradewind_airflow.runs.read.workflows import triggerable_workflows
from tradewind_airflow.web import bodies
from tradewind_airflow.web.dependencies import CallerDep, DagCacheDep, TriggerServiceDep
from tradewind_contracts import run_ids
from tradewind_contracts.batches import BatchItem, BatchResponse, ItemResult, Outcome
from tradewind_contracts.problems import FieldError, ProblemType, problem
from tradewind_contracts.workflows import RunStatus, WorkflowInfo, WorkflowRequest, WorkflowResponse
from tradewind_service import json_bodies, request_headers
from tradewind_service.problem_responses import ProblemError

router = APIRouter(tags=["workflows"])


@router.get("/workflows")
def list_workflows(dag_cache: DagCacheDep, caller: CallerDep) -> list[WorkflowInfo]:
    """Return the DAGs that you may read, with the JSON Schema of their parameters."""
    return triggerable_workflows(dag_cache, caller)


@router.post("/workflows/trigger", status_code=status.HTTP_202_ACCEPTED)
def trigger_workflow(
    request: Request,
    response: Response,
    service: TriggerServiceDep,
    caller: CallerDep,
    body: Annotated[bytes, Depends(bodies.bounded(bodies.SINGLE_BYTES))],
    idempotency_key: Annotated[list[str] | None, Header()] = None,
) -> WorkflowResponse:
    """Create one run; `deduplicated` and `Idempotent-Replayed: true` if this `Idempotency-Key` created it before."""
    parsed = json_bodies.parse(WorkflowRequest, body)
    key = request_headers.idempotency_key(idempotency_key or [])
    run_id = run_ids.from_idempotency_key(caller.name, parsed.workflow_id, key) if key else run_ids.new()
    # Already validated as a request.
    item = BatchItem.model_construct(**dict(parsed), workflow_run_id=run_id)
    outcome = service.trigger([item], caller)[0]
    result = accepted(outcome.result)
    repeated = result.outcome is Outcome.EXISTS
    if repeated:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/workflows/{run_id}/status"
    return WorkflowResponse(
        workflow_run_id=run_id,
        status=result.status or RunStatus.QUEUED,
        created_at=outcome.created_at or datetime.now(UTC),
        workflow_id=parsed.workflow_id,
        workflow_type=parsed.workflow_type,
        deduplicated=repeated,
    )


def accepted(result: ItemResult) -> ItemResult:
    """Return the result of an item that has a run; raise its problem otherwise (`ProblemError`)."""
    if result.problem:
        raise ProblemError(result.problem)
    return result


@router.post("/workflows/trigger/batch")
def trigger_batch(
    service: TriggerServiceDep, caller: CallerDep, body: Annotated[bytes, Depends(bodies.bounded(bodies.BATCH_BYTES))]
) -> BatchResponse:
    """Create up to 500 runs in one transaction; each item has its own result, and a failure affects no other item."""
    items = bodies.parse_items(BatchItem, body)
    outcomes = iter(service.trigger([item for item in items if isinstance(item, BatchItem)], caller))
    return BatchResponse(
        items=[next(outcomes).result if isinstance(item, BatchItem) else invalid_item(item) for item in items]
    )


def invalid_item(errors: list[FieldError]) -> ItemResult:
    """Return the result of an item that is not a valid trigger."""
    found = problem(ProblemType.INVALID_REQUEST, f"{len(errors)} invalid field(s)", errors=errors)
    return ItemResult(outcome=Outcome.REJECTED, workflow_run_id=None, problem=found)
