"""Cursors of the change feed: short enough for a query parameter, and valid on every server."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

VERSION = "1"
WORDS = 12
MAX_LENGTH = 200
MAX_NUMBER = 2**63 - 1

_NAME = re.compile("[a-z0-9]{0,16}")
_NUMBER = re.compile("[0-9a-f]{1,16}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = (datetime(9000, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


class CursorError(ValueError):
    """The text is not a cursor of this feed."""


@dataclass(frozen=True)
class CommitPoint:
    """A point in the order of commits.

    On Postgres the oldest open transaction (`scope` "pg"); elsewhere the number of a read in one process.
    """

    scope: str
    number: int


@dataclass(frozen=True)
class Start:
    """Where a sweep over the changed rows begins: no unreported change has a timestamp before `floor`.

    What was committed before `point` has been reported.
    """

    floor: datetime
    point: CommitPoint


@dataclass(frozen=True)
class Cursor:
    """A sweep: where it began, how far it is (`after`), where the next one begins, and which DAGs were paused.

    Rows are read in the order (updated_at, id). A change committed behind `after` meanwhile belongs to the next sweep,
    which begins at this one's first read. `paused` is the digest of the paused DAGs that the reader knows; while `flip`
    is set, the queued runs up to its row id have been reported as of its digest.
    """

    start: Start
    paused: str
    after: tuple[datetime, int] | None = None
    following: Start | None = None
    flip: tuple[str, int] | None = None

    @property
    def is_in_sweep(self) -> bool:
        """Whether the sweep is not complete: more can be read at once."""
        return self.after is not None or self.flip is not None

    def in_sweep(self, updated_at: datetime, row_id: int, following: Start) -> "Cursor":
        """Return the cursor behind a row, in the same sweep."""
        return replace(self, after=(updated_at, row_id), following=following)


def since(instant: datetime) -> Cursor:
    """Return the cursor of a reader of everything since an instant, and of every queued run's current status."""
    return Cursor(Start(min(max(instant, _EPOCH), datetime.now(UTC)), CommitPoint("", 0)), "")


def encode(cursor: Cursor) -> str:
    """Return the cursor as text: hexadecimal numbers and names between full stops, empty where there is none."""
    after = (_hex(_micros(cursor.after[0])), _hex(cursor.after[1])) if cursor.after else ("", "")
    flip = (cursor.flip[0], _hex(cursor.flip[1])) if cursor.flip else ("", "")
    return ".".join([VERSION, *_words(cursor.start), cursor.paused, *after, *_words(cursor.following), *flip])


def decode(text: str) -> Cursor:
    """Return the cursor that `encode` wrote; raise `CursorError`."""
    words = text.split(".")
    if len(text) > MAX_LENGTH or len(words) != WORDS or words[0] != VERSION:
        raise CursorError("not a cursor of /workflows/changes")
    start, after, following, flip = words[1:4], words[5:7], words[7:10], words[10:12]
    return Cursor(
        _start(start),
        _name(words[4]),
        (_time(after[0]), _number(after[1])) if any(after) else None,
        _start(following) if any(following) else None,
        (_name(flip[0]), _number(flip[1])) if any(flip) else None,
    )


def _words(start: Start | None) -> tuple[str, str, str]:
    return (_hex(_micros(start.floor)), start.point.scope, _hex(start.point.number)) if start else ("", "", "")


def _start(words: list[str]) -> Start:
    return Start(_time(words[0]), CommitPoint(_name(words[1]), _number(words[2])))


def _hex(number: int) -> str:
    return f"{number:x}"


def _name(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise CursorError(f"{word[:20]!r} is not a name")
    return word


def _number(word: str, most: int = MAX_NUMBER) -> int:
    if not _NUMBER.fullmatch(word) or (number := int(word, 16)) > most:
        raise CursorError(f"{word[:20]!r} is not a number, or out of range")
    return number


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _time(word: str) -> datetime:
    return _EPOCH + timedelta(microseconds=_number(word, _LAST))
