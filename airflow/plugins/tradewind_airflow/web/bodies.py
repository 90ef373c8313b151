"""Request bodies: read after the caller is known, bounded while they arrive, parsed by the contract's strict JSON.

The bytes are read on the event loop, and parsed where the route runs: a worker thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from tradewind_airflow.web.errors import ApiError, api_error
from tradewind_contracts import json_text
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.records import field_errors
from tradewind_contracts.workflows import MAX_BATCH_ITEMS

Model = TypeVar("Model", bound=BaseModel)

SINGLE_BYTES = 256 * 1024
BATCH_BYTES = 8 * 1024 * 1024
BATCH_DEPTH = json_text.MAX_DEPTH + 3
"""`{"items": [{"parameters": ...}]}` is around each item's parameters."""


def bounded(limit: int) -> Callable[[Request], Awaitable[bytes]]:
    """Return the dependency that reads a JSON body of at most `limit` bytes; raises `ApiError` (413, 415)."""

    async def read(request: Request) -> bytes:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise api_error(ProblemType.UNSUPPORTED_MEDIA_TYPE, f"content-type is {media_type[:80] or 'missing'!r}")
        return await _bytes(request, limit)

    return read


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
    return api_error(ProblemType.BODY_TOO_LARGE, f"at most {limit} bytes are taken")


def parse(model: type[Model], body: bytes) -> Model:
    """Return the body as a model; raise `ApiError` (400, 422)."""
    document = _document(body, json_text.MAX_DEPTH)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise api_error(ProblemType.INVALID_REQUEST, *_faults(error)) from error


def parse_items(model: type[Model], body: bytes) -> list[Model | list[FieldError]]:
    """Return each item of `{"items": [...]}` as a model, or what is wrong with it.

    One item that does not fit leaves the others as they are. Raises `ApiError` (400, 422) for what is no such list.
    """
    document = _document(body, BATCH_DEPTH)
    items = document.get("items") if isinstance(document, dict) and document.keys() == {"items"} else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH_ITEMS:
        found = FieldError(
            pointer=pointer(["items"]), detail=f"must be the only field, a list of 1 to {MAX_BATCH_ITEMS}"
        )
        raise api_error(ProblemType.INVALID_REQUEST, "the body is no batch", [found])
    return [_item(model, item) for item in items]


def _item(model: type[Model], item: Any) -> Model | list[FieldError]:
    try:
        return model.model_validate(item)
    except ValidationError as error:
        return field_errors(error)


def _faults(error: ValidationError) -> tuple[str, list[FieldError]]:
    found = field_errors(error)
    return f"{len(found)} field(s) do not fit", found


def _document(body: bytes, depth: int) -> Any:
    try:
        return json_text.loads(body, max_bytes=BATCH_BYTES, max_depth=depth)
    except json_text.JsonError as error:
        raise api_error(ProblemType.MALFORMED_BODY, f"{error.fault}: {error.detail}") from error
