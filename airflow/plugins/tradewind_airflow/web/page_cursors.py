"""Where a page of runs ended, as text that callers hand back unread."""

import base64
import binascii

from tradewind_airflow.web.errors import api_error
from tradewind_contracts.problems import FieldError, ProblemType, pointer

MAX_LENGTH = 32
_VERSION = b"1:"


def encode(row_id: int) -> str:
    """Return the cursor for what lies below a row of `dag_run`."""
    return base64.urlsafe_b64encode(_VERSION + str(row_id).encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """Return the row id of a cursor; raise `ApiError` (422). A made-up one shows nothing that is not shown without."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        text = b""
    number = text.removeprefix(_VERSION)
    if not text.startswith(_VERSION) or not number.isdigit() or int(number) > 2**31:
        found = FieldError(pointer=pointer(["query", "cursor"]), detail="is none of ours; begin again without it")
        raise api_error(ProblemType.INVALID_REQUEST, "the cursor is not one", [found])
    return int(number)
