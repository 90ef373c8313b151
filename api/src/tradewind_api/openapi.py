"""The OpenAPI description: errors are problems, all but the public paths need a token, models are references."""

from typing import Any

from fastapi import FastAPI
from typing_extensions import override

from tradewind_contracts import problems
from tradewind_contracts.problems import Problem, ProblemType
from tradewind_contracts.workflows import WorkflowRequest

PUBLIC = frozenset({"/", "/health", "/livez", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json"})
"""Paths that need no token. Every other path does."""

_SCHEMAS = "#/components/schemas/"
_BEARER = {"type": "http", "scheme": "bearer", "description": "A caller's token, see API_TOKENS"}
_EVERYWHERE = (ProblemType.INTERNAL,)
_GUARDED = (ProblemType.UNAUTHENTICATED,)

REQUEST_EXAMPLES = {
    "settlement fail": {
        "value": {
            "workflow_id": "settlement_fail_triage",
            "workflow_type": "langgraph",
            "parameters": {"message": "<Document>...</Document>"},
            "priority": 5,
        }
    },
    "reconciliation": {
        "value": {"workflow_id": "recon_break_resolution", "workflow_type": "airflow", "parameters": {}}
    },
}


class DescribedApi(FastAPI):
    """FastAPI whose OpenAPI description has our errors and public paths."""

    @override
    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = _complete(super().openapi())
        return self.openapi_schema


def errors(*kinds: ProblemType) -> dict[int | str, dict[str, Any]]:
    """Return the error responses of a route by status."""
    described: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        answer = described.setdefault(
            kind.status, {"description": kind.title, "content": {problems.MEDIA_TYPE: _body()}}
        )
        example = problems.problem(kind, kind.title).model_dump(exclude_none=True)
        answer["content"][problems.MEDIA_TYPE]["examples"][kind.slug] = {"value": example}
        if kind.status == 503:
            answer["headers"] = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
    return described


def body(model: type[Any], examples: dict[str, Any]) -> dict[str, Any]:
    """Return the request body of a route that reads its body itself."""
    content = {"schema": {"$ref": _SCHEMAS + model.__name__}, "examples": examples}
    return {"required": True, "content": {"application/json": content}}


def header(name: str, description: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an optional request header that a route reads itself."""
    return {"in": "header", "name": name, "description": description, "schema": schema or {"type": "string"}}


def response_header(description: str) -> dict[str, Any]:
    """Return a response header."""
    return {"description": description, "schema": {"type": "string"}}


def _body() -> dict[str, Any]:
    return {"schema": {"$ref": f"{_SCHEMAS}Problem"}, "examples": {}}


def _complete(schema: dict[str, Any]) -> dict[str, Any]:
    components = schema.setdefault("components", {})
    components["securitySchemes"] = {"bearer": _BEARER}
    models = components.setdefault("schemas", {})
    for model in (Problem, WorkflowRequest):
        described = model.model_json_schema(ref_template=_SCHEMAS + "{model}")
        models.update(described.pop("$defs", {}))
        models[model.__name__] = described
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            _finish(operation, public=path in PUBLIC)
    return schema


def _finish(operation: dict[str, Any], *, public: bool) -> None:
    if not public:
        operation["security"] = [{"bearer": []}]
    kinds = _EVERYWHERE if public else _GUARDED + _EVERYWHERE
    for status, answer in errors(*kinds).items():
        operation["responses"].setdefault(str(status), answer)
