"""Where a reader of changes is: small enough for a query parameter, and understood by every server."""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

VERSION = 1
MAX_LENGTH = 200
MAX_NUMBER = 2**63 - 1

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


class CursorError(ValueError):
    """This is no cursor of ours."""


@dataclass(frozen=True)
class Mark:
    """A point in the order of commits.

    On Postgres the oldest transaction that was open (`scope` "pg"); elsewhere the number of a look in one process.
    """

    scope: str
    number: int


@dataclass(frozen=True)
class Start:
    """Where a sweep over the changed rows begins: no change that is still to be told was stamped before `floor`.

    What was committed before `mark` has been told.
    """

    floor: datetime
    mark: Mark


@dataclass(frozen=True)
class Cursor:
    """A sweep: where it began, how far it is (`after`), where the next one begins, and which DAGs were paused.

    Rows are swept in the order (updated_at, id). A change that is committed behind `after` meanwhile belongs to the
    next sweep, which begins where this one's first look stood. `paused` is the digest of the paused DAGs that the
    reader knows of; while `flip` is set, the queued runs up to a row id have been told by the digest that it names.
    """

    start: Start
    paused: str
    after: tuple[datetime, int] | None = None
    following: Start | None = None
    flip: tuple[str, int] | None = None

    @property
    def is_within(self) -> bool:
        """Whether the sweep goes on: there is more to read already."""
        return self.after is not None or self.flip is not None

    def within(self, updated_at: datetime, row_id: int, following: Start) -> "Cursor":
        """Return the cursor behind a row, in the same sweep."""
        return replace(self, after=(updated_at, row_id), following=following)


def since(instant: datetime) -> Cursor:
    """Return where a reader begins who wants what happened since an instant, and where every queued run is now."""
    return Cursor(Start(min(max(instant, _EPOCH), datetime.now(UTC)), Mark("", 0)), "")


def encode(cursor: Cursor) -> str:
    """Return the cursor as text."""
    after = [_micros(cursor.after[0]), cursor.after[1]] if cursor.after else None
    following = _numbers(cursor.following) if cursor.following else None
    parts = [VERSION, _numbers(cursor.start), cursor.paused, after, following, cursor.flip]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def decode(text: str) -> Cursor:
    """Return the cursor that `encode` wrote; raise `CursorError`."""
    try:
        if len(text) > MAX_LENGTH:
            raise CursorError("too long")
        return _cursor(json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)))
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise CursorError("this is no cursor of /workflows/changes") from error


def _cursor(parts: Any) -> Cursor:
    version, start, paused, after, following, flip = parts
    if version != VERSION or not isinstance(paused, str):
        raise CursorError("of another version")
    return Cursor(
        _start(start),
        paused,
        (_time(after[0]), _number(after[1])) if after is not None else None,
        _start(following) if following is not None else None,
        (str(flip[0]), _number(flip[1])) if flip is not None else None,
    )


def _start(parts: Any) -> Start:
    floor, scope, number = parts
    if not isinstance(scope, str):
        raise CursorError("a mark without a scope")
    return Start(_time(floor), Mark(scope, _number(number)))


def _numbers(start: Start) -> list[int | str]:
    return [_micros(start.floor), start.mark.scope, start.mark.number]


def _number(value: Any, most: int = MAX_NUMBER) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise CursorError("a number out of its bounds")
    return value


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _time(micros: Any) -> datetime:
    return _EPOCH + timedelta(microseconds=_number(micros, _LAST))
