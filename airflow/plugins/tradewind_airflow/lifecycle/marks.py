"""The records on the status topic: made from events, and known again. Pure.

Each record carries the cursor that its page was **asked with**, and a page is asked for only when all records before
it are acknowledged. So whatever happened before a cursor that stands on the topic, stands there too: going on from any
of them loses nothing, and from the newest repeats the least. It does not matter who wrote it, nor when.
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
"""Bytes of a record's value; a larger event goes without its result, which the status answer has."""

MAX_ERROR = 10_000


@dataclass(frozen=True)
class Mark:
    """What a record of ours says about how far its publisher was. `at`: Unix milliseconds, Kafka's time of it."""

    cursor: str
    event_id: str
    at: int = 0


def record(event: WorkflowStatusChanged, cursor: str, publisher: str) -> Record:
    """Return the event's record, as part of the page that was asked for with `cursor`."""
    made = records.encode(event)
    if len(made.value) > MAX_VALUE:
        made = records.encode(_small(event))
    return Record(made.key, made.value, [*made.headers, (PUBLISHER, publisher.encode()), (CURSOR, cursor.encode())])


def _small(event: WorkflowStatusChanged) -> WorkflowStatusChanged:
    error = event.payload.error and event.payload.error[:MAX_ERROR]
    return event.model_copy(update={"payload": event.payload.model_copy(update={"result": None, "error": error})})


def read(headers: Iterable[tuple[str, str | bytes | None]] | None, publisher: str, at: int = 0) -> Mark | None:
    """Return the mark of a record, or None for one of somebody else's."""
    found = dict(headers or ())
    if _text(found.get(PUBLISHER)) != publisher or not found.get(CURSOR):
        return None
    return Mark(_text(found[CURSOR]), _text(found.get(EVENT_ID)), at)


def _text(raw: str | bytes | None) -> str:
    return raw if isinstance(raw, str) else (raw or b"").decode(errors="replace")
