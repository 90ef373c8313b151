"""Where a reader of changes is: small enough for a query parameter, and understood by every server."""

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
    """Return the cursor as text: hexadecimal numbers and names between full stops, empty where there is none."""
    after = (_hex(_micros(cursor.after[0])), _hex(cursor.after[1])) if cursor.after else ("", "")
    flip = (cursor.flip[0], _hex(cursor.flip[1])) if cursor.flip else ("", "")
    return ".".join([VERSION, *_words(cursor.start), cursor.paused, *after, *_words(cursor.following), *flip])


def decode(text: str) -> Cursor:
    """Return the cursor that `encode` wrote; raise `CursorError`."""
    words = text.split(".")
    if len(text) > MAX_LENGTH or len(words) != WORDS or words[0] != VERSION:
        raise CursorError("this is no cursor of /workflows/changes")
    start, after, following, flip = words[1:4], words[5:7], words[7:10], words[10:12]
    return Cursor(
        _start(start),
        _name(words[4]),
        (_time(after[0]), _number(after[1])) if any(after) else None,
        _start(following) if any(following) else None,
        (_name(flip[0]), _number(flip[1])) if any(flip) else None,
    )


def _words(start: Start | None) -> tuple[str, str, str]:
    return (_hex(_micros(start.floor)), start.mark.scope, _hex(start.mark.number)) if start else ("", "", "")


def _start(words: list[str]) -> Start:
    return Start(_time(words[0]), Mark(_name(words[1]), _number(words[2])))


def _hex(number: int) -> str:
    return f"{number:x}"


def _name(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise CursorError(f"{word[:20]!r} is no name")
    return word


def _number(word: str, most: int = MAX_NUMBER) -> int:
    if not _NUMBER.fullmatch(word) or (number := int(word, 16)) > most:
        raise CursorError(f"{word[:20]!r} is no number, or out of its bounds")
    return number


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _time(word: str) -> datetime:
    return _EPOCH + timedelta(microseconds=_number(word, _LAST))
