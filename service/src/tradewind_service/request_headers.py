"""The request headers that control a call: Idempotency-Key, Prefer, traceparent. Pure functions.

Idempotency-Key: draft-ietf-httpapi-idempotency-key-header-07. Prefer: RFC 7240. traceparent: W3C Trace Context.
"""

import re
from collections.abc import Sequence

from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_service.problem_responses import problem_error

MAX_KEY_LENGTH = 200
MAX_WAIT_SECONDS = 60

_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")  # visible ASCII without the delimiters of lists and strings: " , ; \
_WAIT = re.compile(r"wait\s*=\s*\"?(\d{1,9})\"?\s*")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def idempotency_key(values: Sequence[str]) -> str | None:
    """Return the key of the Idempotency-Key header(s), unquoted, or None where there is no header.

    A structured-field string (RFC 8941), or a bare token, because many clients send one. Raises `ProblemError` (422).
    """
    if not values:
        return None
    key = _unquoted(values[0].strip()) if len(values) == 1 else None
    if key is None or not 1 <= len(key) <= MAX_KEY_LENGTH:
        detail = f'send one "quoted" string or bare token of 1 to {MAX_KEY_LENGTH} visible ASCII characters'
        found = FieldError(pointer=pointer(["header", "Idempotency-Key"]), detail=detail)
        raise problem_error(ProblemType.INVALID_REQUEST, "the Idempotency-Key is malformed", errors=[found])
    return key


def _unquoted(value: str) -> str | None:
    if quoted := _QUOTED.fullmatch(value):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return value if _BARE.fullmatch(value) else None


def wait_seconds(values: Sequence[str]) -> int | None:
    """Return the seconds of `Prefer: wait=N`, at most 60, or None; unknown preferences are ignored (RFC 7240)."""
    preferences = [part.partition(";")[0].strip() for value in values for part in value.lower().split(",")]
    # The first occurrence of a preference counts (RFC 7240, section 2).
    found = next((match for part in preferences if (match := _WAIT.fullmatch(part))), None)
    return min(int(found[1]), MAX_WAIT_SECONDS) if found else None


def traceparent(value: str | None) -> str | None:
    """Return a well-formed traceparent, or None: a malformed one is dropped, as the standard requires."""
    return value if value and _TRACEPARENT.fullmatch(value) else None


def sampled_trace_id(value: str | None) -> str | None:
    """Return the trace id of a well-formed traceparent whose trace is sampled."""
    found = traceparent(value)
    if found is None:
        return None
    _, trace_id, _, flags = found.split("-")
    return trace_id if int(flags, 16) & 1 else None
