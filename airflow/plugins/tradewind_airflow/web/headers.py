"""The request header that steers a trigger: Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07). Pure.

The same rule as the facade's, so that both doors take the same keys.
"""

import re
from collections.abc import Sequence

from tradewind_airflow.web.errors import api_error
from tradewind_contracts.problems import FieldError, ProblemType, pointer

MAX_KEY_LENGTH = 200

_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")  # visible ASCII without the list's and string's own: " , ; \


def idempotency_key(values: Sequence[str]) -> str | None:
    """Return the key of the header(s), unquoted, or None; raise `ApiError` (422)."""
    if not values:
        return None
    key = _unquoted(values[0].strip()) if len(values) == 1 else None
    if key is None or not 1 <= len(key) <= MAX_KEY_LENGTH:
        detail = f'one "quoted" string or bare token of 1 to {MAX_KEY_LENGTH} visible ASCII characters'
        found = FieldError(pointer=pointer(["header", "Idempotency-Key"]), detail=detail)
        raise api_error(ProblemType.INVALID_REQUEST, "the Idempotency-Key is not one", [found])
    return key


def _unquoted(value: str) -> str | None:
    if quoted := _QUOTED.fullmatch(value):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return value if _BARE.fullmatch(value) else None
