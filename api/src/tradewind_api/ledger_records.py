"""Kafka records into the ledger index: which records say what. Pure but for the index."""

import logging
from dataclasses import dataclass

from tradewind_api.ledger import LedgerIndex
from tradewind_contracts import dead_letters, json_text, records, run_ids
from tradewind_contracts.batches import Outcome
from tradewind_contracts.events import WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.problems import ProblemType

logger = logging.getLogger(__name__)

RawHeaders = records.Headers | None

CONFLICTS = frozenset({Outcome.CONFLICT.value, ProblemType.IDEMPOTENCY_CONFLICT.slug, ProblemType.STATE_CONFLICT.slug})
"""Reasons that say the run exists: such a letter must not hide it."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """A record as it was read."""

    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    offset: int


def feed_event(index: LedgerIndex, record: Consumed) -> None:
    """Take in a record of `workflow-events`: triggers count, commands do not, what is no event is not ours to judge."""
    if index.has_trigger_at((record.key or b"").decode(errors="replace"), record.offset):
        return
    event = _event(record)
    if isinstance(event, WorkflowTriggered):
        index.triggered(event, record.offset)


def feed_status(index: LedgerIndex, record: Consumed) -> None:
    """Take in a record of `workflow-status`; the ids of scheduled runs and the like stand for several runs."""
    event = _event(record)
    if isinstance(event, WorkflowStatusChanged) and not run_ids.is_made_by_airflow(event.workflow_run_id):
        index.changed(event)


def feed_dead_letter(index: LedgerIndex, record: Consumed) -> None:
    """Take in a record of `workflow-events.dlq`, where it is a trigger that no run will come of."""
    headers = list(record.headers or ())
    letter = dead_letters.read(headers)
    if letter and letter.workflow_run_id and letter.reason not in CONFLICTS and _asks_for_run(record):
        index.rejected(letter.workflow_run_id, letter)


def _event(record: Consumed) -> object:
    try:
        return records.decode(record.value, record.headers).event
    except records.DecodeError as error:
        logger.debug("skipped: %s", error)
        return None


def _asks_for_run(record: Consumed) -> bool:
    # A dead-lettered command says nothing about whether its run exists. An event may be too broken to decode, and
    # still say what it wanted to be.
    stated = next((raw for name, raw in record.headers or () if name.lower() == "ce_type"), None)
    return (stated or _stated_type(record.value)) in {b"workflow.triggered", "workflow.triggered"}


def _stated_type(value: bytes | None) -> str | None:
    try:
        document = json_text.loads(value or b"")
    except json_text.JsonError:
        return None
    match document:
        case {"data": {"event_type": str(stated)}} | {"event_type": str(stated)} | {"type": str(stated)}:
            return stated
        case _:
            return None
