"""Feeds Kafka records into the ledger index."""

import logging

from tradewind_api.ledger import LedgerIndex
from tradewind_contracts import dead_letters, json_text, records, run_ids
from tradewind_contracts.batches import Outcome
from tradewind_contracts.events import WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.problems import ProblemType
from tradewind_service.received_records import ReceivedRecord

logger = logging.getLogger(__name__)

CONFLICTS = frozenset({Outcome.CONFLICT.value, ProblemType.IDEMPOTENCY_CONFLICT.slug, ProblemType.STATE_CONFLICT.slug})
"""Reasons of dead letters whose run exists: they must not hide it."""


def feed_event(index: LedgerIndex, record: ReceivedRecord) -> None:
    """Feed a record of `workflow-events`; commands and what is not an event are skipped."""
    if index.has_trigger_at((record.key or b"").decode(errors="replace"), record.offset):
        return
    event = _event(record)
    if isinstance(event, WorkflowTriggered):
        index.triggered(event, record.offset)


def feed_status(index: LedgerIndex, record: ReceivedRecord) -> None:
    """Feed a record of `workflow-status`, except for ids that Airflow makes: several DAGs can have a run of that id."""
    event = _event(record)
    if isinstance(event, WorkflowStatusChanged) and not run_ids.is_made_by_airflow(event.workflow_run_id):
        index.changed(event)


def feed_dead_letter(index: LedgerIndex, record: ReceivedRecord) -> None:
    """Feed a record of `workflow-events.dlq` if it is a trigger for which no run will be created."""
    letter = dead_letters.read(record.headers)
    if letter and letter.workflow_run_id and letter.reason not in CONFLICTS and _is_trigger(record):
        index.rejected(letter.workflow_run_id, letter)


def _event(record: ReceivedRecord) -> object:
    try:
        return records.decode(record.value, record.headers).event
    except records.DecodeError as error:
        logger.debug("skipped: %s", error)
        return None


def _is_trigger(record: ReceivedRecord) -> bool:
    # A dead-lettered command says nothing about whether its run exists. The type of an event can often be read even if
    # the event cannot be decoded.
    stated = next((raw for name, raw in record.headers if name.lower() == "ce_type"), None)
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
