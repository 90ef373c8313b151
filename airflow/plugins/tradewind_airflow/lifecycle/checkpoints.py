"""Checkpoints in the status topic's own records: written with each event, and read back. Pure.

Each record carries the cursor with which its page was **requested**, and a page is requested only when all earlier
records are acknowledged. So every change before a cursor on the topic is on the topic too: resuming from any of them
loses nothing, and from the newest repeats the least, no matter who wrote it or when.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tradewind_contracts import records
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_contracts.records import Record

PUBLISHER = "tradewind-publisher"
CURSOR = "tradewind-cursor"
EVENT_ID = "ce_id"

MAX_VALUE = 512 * 1024
"""Bytes of a record's value; a larger event is published without its result, which `GET .../status` returns."""

MAX_ERROR = 10_000


@dataclass(frozen=True)
class Checkpoint:
    """How far the publisher was when it wrote a record. `at`: the record's timestamp in Unix milliseconds."""

    cursor: str
    event_id: str
    at: int = 0


def record(event: WorkflowStatusChanged, cursor: str, publisher: str) -> Record:
    """Return the event's record, as part of the page that was requested with `cursor`."""
    made = records.encode(event)
    if len(made.value) > MAX_VALUE:
        made = records.encode(_small(event))
    return Record(made.key, made.value, [*made.headers, (PUBLISHER, publisher.encode()), (CURSOR, cursor.encode())])


def _small(event: WorkflowStatusChanged) -> WorkflowStatusChanged:
    error = event.payload.error and event.payload.error[:MAX_ERROR]
    return event.model_copy(update={"payload": event.payload.model_copy(update={"result": None, "error": error})})


def read(headers: Iterable[tuple[str, str | bytes | None]] | None, publisher: str, at: int = 0) -> Checkpoint | None:
    """Return the checkpoint in a record's headers, or None if another publisher wrote it."""
    found = dict(headers or ())
    if _text(found.get(PUBLISHER)) != publisher or not found.get(CURSOR):
        return None
    return Checkpoint(_text(found[CURSOR]), _text(found.get(EVENT_ID)), at)


def _text(raw: str | bytes | None) -> str:
    return raw if isinstance(raw, str) else (raw or b"").decode(errors="replace")
