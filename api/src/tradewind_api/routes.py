"""The public endpoints: trigger a workflow, get a run's status, list the workflows."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, TypeAdapter

from tradewind_api import openapi
from tradewind_api.services import Services
from tradewind_api.triggers import TriggerRequest
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowInfo, WorkflowRequest, WorkflowResponse, WorkflowStatus
from tradewind_service import json_bodies, request_headers

router = APIRouter(prefix="/workflows", tags=["workflows"])

_LISTING: TypeAdapter[list[WorkflowInfo]] = TypeAdapter(list[WorkflowInfo])
_KEY_SCHEMA = {
    "type": "string",
    "minLength": 1,
    "maxLength": 402,
    "pattern": r'^("([!#-\[\]-~]|\\["\\])+"|[!#-+\--:<-\[\]-~]+)$',
}


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


async def _workflow_request(request: Request) -> WorkflowRequest:
    return json_bodies.parse(
        WorkflowRequest, await json_bodies.read(request, request.app.state.settings.max_body_bytes)
    )


BodyDep = Annotated[WorkflowRequest, Depends(_workflow_request)]
ServicesDep = Annotated[Services, Depends(_services)]


@router.post(
    "/trigger",
    operation_id="triggerWorkflow",
    status_code=202,
    response_model=WorkflowResponse,
    response_description="Accepted: the event is durable, the run will be created",
    responses=openapi.errors(
        ProblemType.MALFORMED_BODY,
        ProblemType.UNKNOWN_WORKFLOW,
        ProblemType.BODY_TOO_LARGE,
        ProblemType.UNSUPPORTED_MEDIA_TYPE,
        ProblemType.INVALID_REQUEST,
        ProblemType.INVALID_PARAMETERS,
        ProblemType.IDEMPOTENCY_CONFLICT,
        ProblemType.KAFKA_UNAVAILABLE,
        ProblemType.ENGINE_UNAVAILABLE,
        ProblemType.WORKFLOW_UNAVAILABLE,
    )
    | {
        200: {
            "description": "The run ended within the time that `Prefer: wait` gave it",
            "model": WorkflowStatus,
            "headers": {"Preference-Applied": openapi.response_header("`wait=N`, N in seconds")},
        },
        202: {
            "headers": {
                "Location": openapi.response_header("Where the run's status is"),
                "Idempotent-Replayed": openapi.response_header("`true` when the run had been accepted before"),
            }
        },
    },
    openapi_extra={
        "requestBody": openapi.body(WorkflowRequest, openapi.REQUEST_EXAMPLES),
        "parameters": [
            openapi.header(
                "Idempotency-Key",
                'A "quoted" string or a bare token of 1 to 200 visible ASCII characters, kept for 24 hours: '
                "the same key for the same workflow is the same run",
                _KEY_SCHEMA,
            ),
            openapi.header("Prefer", "`wait=N`: answer with the result if the run ends within N seconds, at most 60"),
            openapi.header("traceparent", "W3C trace context, passed on with the event"),
        ],
    },
)
async def trigger(request: Request, body: BodyDep, services: ServicesDep) -> Response:
    """Trigger a workflow.

    The answer comes when the event is on all in-sync replicas of the ledger topic. After a 503 send the same again
    under the same Idempotency-Key: it stays one run.
    """
    headers = request.headers
    trigger_request = TriggerRequest(
        workflow=body,
        caller=request.state.caller,
        key=request_headers.idempotency_key(headers.getlist("idempotency-key")),
        traceparent=request_headers.traceparent(headers.get("traceparent")),
    )
    accepted = await services.triggers.accept(trigger_request)
    seconds = request_headers.wait_seconds(headers.getlist("prefer"))
    return await _answer(accepted, seconds, services)


async def _answer(accepted: WorkflowResponse, seconds: int | None, services: Services) -> Response:
    headers = {"location": f"/workflows/{accepted.workflow_run_id}/status"}
    if accepted.deduplicated:
        headers["idempotent-replayed"] = "true"
    if seconds and not services.waiting.locked():
        headers["preference-applied"] = f"wait={seconds}"
        async with services.waiting:
            ended = await services.statuses.ended(accepted.workflow_run_id, seconds)
        if ended:
            return _json(ended, 200, headers)
    return _json(accepted, 202, headers)


@router.get(
    "/{workflow_run_id}/status",
    operation_id="getWorkflowStatus",
    response_model=WorkflowStatus,
    responses=openapi.errors(ProblemType.UNKNOWN_RUN, ProblemType.INVALID_REQUEST, ProblemType.ENGINE_UNAVAILABLE),
)
async def status(workflow_run_id: Annotated[RunId, Path()], services: ServicesDep) -> Response:
    """Return a run's status: from its engine, or if that is down the last known one, marked `stale`."""
    return _json(await services.statuses.status(workflow_run_id), 200)


@router.get(
    "",
    operation_id="listWorkflows",
    response_model=list[WorkflowInfo],
    responses=openapi.errors(ProblemType.ENGINE_UNAVAILABLE)
    | {
        200: {"headers": {"Tradewind-Stale": openapi.response_header("Engines that are down: their last list is used")}}
    },
)
async def workflows(services: ServicesDep) -> Response:
    """List the workflows that can be triggered, with the JSON Schema of their parameters."""
    infos, stale = await services.workflow_lists.listing()
    headers = {"tradewind-stale": ", ".join(stale)} if stale else None
    return Response(_LISTING.dump_json(infos), 200, headers, media_type=JSONResponse.media_type)


def _json(model: BaseModel, status_code: int, headers: dict[str, str] | None = None) -> Response:
    # The models were validated when they were created: not validated a second time.
    return Response(model.model_dump_json(), status_code, headers, media_type=JSONResponse.media_type)
