"""The request header that steers a trigger."""

from collections.abc import Sequence

from tradewind_airflow.web.errors import api_error
from tradewind_contracts import idempotency
from tradewind_contracts.problems import FieldError, ProblemType, pointer


def idempotency_key(values: Sequence[str]) -> str | None:
    """Return the key of the Idempotency-Key header(s), unquoted, or None; raise `ApiError` (422)."""
    try:
        return idempotency.parse_key(values)
    except ValueError as error:
        found = FieldError(pointer=pointer(["header", "Idempotency-Key"]), detail=str(error))
        raise api_error(ProblemType.INVALID_REQUEST, "the Idempotency-Key is not one", [found]) from error
