"""Request bodies: bounded while they arrive, read by the contract's strict JSON, validated once."""

from typing import Any

from fastapi import Request
from pydantic import ValidationError

from tradewind_api.errors import ApiError
from tradewind_contracts import json_text
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.records import field_errors
from tradewind_contracts.workflows import WorkflowRequest


async def workflow_request(request: Request) -> WorkflowRequest:
    """Return the body as a trigger; raise `ApiError` (400, 413, 415, 422)."""
    document = await _document(request, request.app.state.settings.max_body_bytes)
    try:
        return WorkflowRequest.model_validate(document)
    except ValidationError as error:
        found = field_errors(error)
        raise ApiError(ProblemType.INVALID_REQUEST, f"{len(found)} field(s) do not fit", errors=found) from error


async def _document(request: Request, limit: int) -> Any:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise ApiError(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"content-type is {media_type[:80] or 'missing'!r}")
    try:
        return json_text.loads(await _bytes(request, limit), max_bytes=limit)
    except json_text.JsonError as error:
        raise ApiError(ProblemType.MALFORMED_BODY, f"{error.fault}: {error.detail}") from error


async def _bytes(request: Request, limit: int) -> bytes:
    # A declared length is only a promise, and a chunked body makes none: what arrives is counted.
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> ApiError:
    return ApiError(ProblemType.BODY_TOO_LARGE, f"at most {limit} bytes are taken")
