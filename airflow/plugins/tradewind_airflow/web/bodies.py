"""Request bodies: read after authentication, with a size limit enforced while they arrive.

The bytes are read on the event loop, and parsed on the route's worker thread.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from tradewind_contracts import json_text
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.records import field_errors
from tradewind_contracts.workflows import MAX_BATCH_ITEMS
from tradewind_service import json_bodies
from tradewind_service.problem_responses import problem_error

Model = TypeVar("Model", bound=BaseModel)

SINGLE_BYTES = 256 * 1024
BATCH_BYTES = 8 * 1024 * 1024
BATCH_DEPTH = json_text.MAX_DEPTH + 3
"""`{"items": [{"parameters": ...}]}` encloses each item's parameters."""


def bounded(limit: int) -> Callable[[Request], Awaitable[bytes]]:
    """Return the dependency that reads a JSON body of at most `limit` bytes; raises `ProblemError` (413, 415)."""

    async def read(request: Request) -> bytes:
        return await json_bodies.read(request, limit)

    return read


def parse_items(model: type[Model], body: bytes) -> list[Model | list[FieldError]]:
    """Return each item of `{"items": [...]}` as a model, or its errors.

    An invalid item does not affect the others. Raises `ProblemError` (400, 422) for a body without such a list.
    """
    document = json_bodies.document(body, BATCH_DEPTH)
    items = document.get("items") if isinstance(document, dict) and document.keys() == {"items"} else None
    if not isinstance(items, list) or not 1 <= len(items) <= MAX_BATCH_ITEMS:
        found = FieldError(
            pointer=pointer(["items"]), detail=f"must be the only field, a list of 1 to {MAX_BATCH_ITEMS}"
        )
        raise problem_error(ProblemType.INVALID_REQUEST, "the body is not a batch", errors=[found])
    return [_item(model, item) for item in items]


def _item(model: type[Model], item: Any) -> Model | list[FieldError]:
    try:
        return model.model_validate(item, context=json_text.PARSED)
    except ValidationError as error:
        return field_errors(error)
