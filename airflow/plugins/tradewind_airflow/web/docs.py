"""OpenAPI and its two viewers as ordinary routes, so that the app's guard covers them too.

FastAPI adds its own without the app's dependencies: open to everybody.
"""

from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from tradewind_contracts.batches import BatchRequest
from tradewind_contracts.commands import CancelRequest, PriorityRequest, RetryRequest
from tradewind_contracts.workflows import WorkflowRequest

router = APIRouter(include_in_schema=False)

BODIES: dict[str, type[BaseModel]] = {
    "/workflows/trigger": WorkflowRequest,
    "/workflows/trigger/batch": BatchRequest,
    "/workflows/{workflow_run_id}/cancel": CancelRequest,
    "/workflows/{workflow_run_id}/retry": RetryRequest,
    "/workflows/{workflow_run_id}/priority": PriorityRequest,
}
"""The models of the bodies, which are parsed by hand (`bodies`)."""

REF_TEMPLATE = "#/components/schemas/{model}"


def _path(request: Request, name: str) -> str:
    return f"{request.scope.get('root_path', '')}/{name}"


@router.get("/openapi.json")
def openapi(request: Request) -> dict[str, Any]:
    """Return the OpenAPI document, with the path that the app is mounted at as its server."""
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
    """Put the bodies into the app's OpenAPI document, which FastAPI cannot know of."""
    document = app.openapi()
    names, definitions = models_json_schema(
        [(model, "validation") for model in BODIES.values()], ref_template=REF_TEMPLATE
    )
    document["components"]["schemas"] |= definitions["$defs"]
    for path, model in BODIES.items():
        body = {"required": True, "content": {"application/json": {"schema": names[(model, "validation")]}}}
        document["paths"][path]["post"]["requestBody"] = body
