"""The OpenAPI document and its two viewers as ordinary routes, so that the app's guard covers them too.

FastAPI would add its own without the app's dependencies: open to everybody.
"""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tradewind_contracts.batches import BatchRequest
from tradewind_contracts.commands import CancelRequest, PriorityRequest, RetryRequest
from tradewind_contracts.problems import MEDIA_TYPE, Problem
from tradewind_contracts.workflows import WorkflowRequest

router = APIRouter(include_in_schema=False)

BODIES: dict[str, type[BaseModel]] = {
    "/workflows/trigger": WorkflowRequest,
    "/workflows/trigger/batch": BatchRequest,
    "/workflows/{workflow_run_id}/cancel": CancelRequest,
    "/workflows/{workflow_run_id}/retry": RetryRequest,
    "/workflows/{workflow_run_id}/priority": PriorityRequest,
}
"""Path -> model of the request body, which FastAPI does not parse (`bodies`)."""

PROBLEMS_EVERYWHERE = (401, 403, 422, 500, 503)
PROBLEMS_OF_A_BODY = (400, 404, 413, 415)
PROBLEMS_OF_A_RUN = (404, 409)

REF_TEMPLATE = "#/components/schemas/{model}"


def _path(request: Request, name: str) -> str:
    return f"{request.scope.get('root_path', '')}/{name}"


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, Any]:
    """Return the OpenAPI document, with the app's mount path as its server."""
    return {**request.app.openapi(), "servers": [{"url": request.scope.get("root_path", "") or "/"}]}


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Return Swagger UI."""
    return get_swagger_ui_html(openapi_url=_path(request, "openapi.json"), title="Tradewind")


@router.get("/redoc")
def redoc(request: Request) -> HTMLResponse:
    """Return ReDoc."""
    return get_redoc_html(openapi_url=_path(request, "openapi.json"), title="Tradewind")


def describe_bodies(app: FastAPI) -> None:
    """Add the request bodies to the app's OpenAPI document."""
    document = app.openapi()
    names, definitions = models_json_schema(
        [(model, "validation") for model in BODIES.values()], ref_template=REF_TEMPLATE
    )
    document["components"]["schemas"] |= definitions["$defs"]
    for path, model in BODIES.items():
        body = {"required": True, "content": {"application/json": {"schema": names[(model, "validation")]}}}
        document["paths"][path]["post"]["requestBody"] = body


def describe_problems(app: FastAPI) -> None:
    """Add the problem responses to every operation of the app's OpenAPI document."""
    document = app.openapi()
    names, definitions = models_json_schema([(Problem, "serialization")], ref_template=REF_TEMPLATE)
    document["components"]["schemas"] |= definitions["$defs"]
    content = {MEDIA_TYPE: {"schema": names[(Problem, "serialization")]}}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            responses = operation["responses"]
            declared = {status: one for status, one in responses.items() if status >= "400" and status != "422"}
            for status in {*declared, *map(str, _problems(path, operation))}:
                described = declared.get(status, {}).get("description") or HTTPStatus(int(status)).phrase
                responses[status] = {"description": described, "content": content}


def _problems(path: str, operation: dict[str, Any]) -> set[int]:
    of_a_body = PROBLEMS_OF_A_BODY if "requestBody" in operation else ()
    of_a_run = PROBLEMS_OF_A_RUN if "{workflow_run_id}" in path else ()
    return {*PROBLEMS_EVERYWHERE, *of_a_body, *of_a_run}
