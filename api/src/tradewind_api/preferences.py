"""The request headers that steer a trigger: Idempotency-Key, Prefer, traceparent. Pure functions.

Prefer: RFC 7240. traceparent: W3C Trace Context.
"""

import hashlib
import json
import re
from collections.abc import Sequence

from tradewind_api.errors import ApiError
from tradewind_contracts import idempotency
from tradewind_contracts.json_text import JsonObject
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_contracts.workflows import Priority, WorkflowType

MAX_WAIT_SECONDS = 60

_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?\s*")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def idempotency_key(values: Sequence[str]) -> str | None:
    """Return the key of the Idempotency-Key header(s), unquoted, or None; raise `ApiError` (422)."""
    try:
        return idempotency.parse_key(values)
    except ValueError as error:
        found = FieldError(pointer=pointer(["header", "Idempotency-Key"]), detail=str(error))
        raise ApiError(ProblemType.INVALID_REQUEST, "the Idempotency-Key is not one", errors=[found]) from error


def wait_seconds(values: Sequence[str]) -> int | None:
    """Return the seconds of `Prefer: wait=N`, at most 60, or None; what is not understood is ignored (RFC 7240)."""
    preferences = [part.partition(";")[0].strip() for value in values for part in value.lower().split(",")]
    # Of a preference that stands twice, the first counts (RFC 7240, section 2).
    found = next((match for part in preferences if (match := _WAIT.fullmatch(part))), None)
    return min(int(found[1]), MAX_WAIT_SECONDS) if found else None


def traceparent(value: str | None) -> str | None:
    """Return a well-formed traceparent, or None: a broken one is dropped, as the standard asks."""
    return value if value and _TRACEPARENT.fullmatch(value) else None


def fingerprint(workflow_type: WorkflowType, parameters: JsonObject, priority: Priority) -> bytes:
    """Return 16 bytes that tell one payload from another: what the same Idempotency-Key must come with again."""
    text = json.dumps([workflow_type, parameters, priority], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
