"""Opaque cursors of the list of runs: where a page ended."""

import base64
import binascii

from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_service.problem_responses import problem_error

MAX_LENGTH = 32
_VERSION = b"1:"


def encode(row_id: int) -> str:
    """Return the cursor of the runs before a row of `dag_run`."""
    return base64.urlsafe_b64encode(_VERSION + str(row_id).encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Return the row id of a cursor; raise `ProblemError` (422). A forged one reveals nothing more."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        text = b""
    number = text.removeprefix(_VERSION)
    if not text.startswith(_VERSION) or not number.isdigit() or int(number) > 2**31:
        found = FieldError(pointer=pointer(["query", "cursor"]), detail="unknown cursor; restart without one")
        raise problem_error(ProblemType.INVALID_REQUEST, "the cursor is unknown", errors=[found])
    return int(number)
