"""The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header-07): one rule for both doors."""

import re
from collections.abc import Sequence

MAX_KEY_LENGTH = 200

_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]+")  # visible ASCII without the list's and string's own: " , ; \


def parse_key(values: Sequence[str]) -> str | None:
    """Return the key of the header's values, unquoted, or None where there is no header.

    A structured-field string (RFC 8941), or a bare token, as many clients send it. Raises ValueError for anything else.
    """
    if not values:
        return None
    key = _unquoted(values[0].strip()) if len(values) == 1 else None
    if key is None or not 1 <= len(key) <= MAX_KEY_LENGTH:
        raise ValueError(f'send one "quoted" string or bare token of 1 to {MAX_KEY_LENGTH} visible ASCII characters')
    return key


def _unquoted(value: str) -> str | None:
    if quoted := _QUOTED.fullmatch(value):
        return re.sub(r"\\(.)", r"\1", quoted[1])
    return value if _BARE.fullmatch(value) else None
