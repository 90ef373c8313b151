"""Request bodies: size-limited while they arrive, parsed as the contract's strict JSON, validated once."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from tradewind_contracts import json_text
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.records import field_errors
from tradewind_service.problem_responses import ProblemError, problem_error

Model = TypeVar("Model", bound=BaseModel)


async def read(request: Request, limit: int) -> bytes:
    """Return the bytes of a JSON body of at most `limit` bytes; raise `ProblemError` (413, 415)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        detail = f"content-type is {media_type[:80] or 'missing'!r}; send application/json"
        raise problem_error(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)
    # A declared length may be wrong, and a chunked body has none: the bytes that arrive are counted.
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


def _too_large(limit: int) -> ProblemError:
    return problem_error(ProblemType.BODY_TOO_LARGE, f"the limit is {limit} bytes")


def parse(model: type[Model], body: bytes) -> Model:
    """Return a body as a model; raise `ProblemError` (400, 422)."""
    content = document(body, json_text.MAX_DEPTH)
    try:
        return model.model_validate(content, context=json_text.PARSED)
    except ValidationError as error:
        found = field_errors(error)
        detail = f"{len(found)} field(s) do not match the schema"
        raise problem_error(ProblemType.INVALID_REQUEST, detail, errors=found) from error


def document(body: bytes, max_depth: int) -> Any:
    """Return the JSON value of a body, whose size was bounded as it was read; raise `ProblemError` (400)."""
    try:
        return json_text.loads(body, max_bytes=len(body), max_depth=max_depth)
    except json_text.JsonError as error:
        raise problem_error(ProblemType.MALFORMED_BODY, f"{error.fault}: {error.detail}") from error
