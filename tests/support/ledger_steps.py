"""Records of the three topics as the ledger reads them, short to write."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tradewind_api.ledger import LedgerIndex, Run
from tradewind_contracts import dead_letters, records
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import ADAPTER
from tradewind_service.received_records import ReceivedRecord

START = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = ("run-a", "run-b", "run-c")


def new_index(max_runs: int = 100, max_bytes: int = 100_000) -> LedgerIndex:
    return LedgerIndex("workflow-events", max_runs=max_runs, max_bytes=max_bytes)


def event(kind: str, run_id: str, payload: dict[str, Any], seconds: int = 0) -> records.Record:
    document = {
        "event_id": f"{run_id}-{kind}-{seconds}",
        "event_type": f"workflow.{kind}",
        "timestamp": START + timedelta(seconds=seconds),
        "source": "test",
        "workflow_id": "recon",
        "workflow_type": "airflow",
        "workflow_run_id": run_id,
        "payload": payload,
    }
    return records.encode(ADAPTER.validate_python(document))


def consumed(record: records.Record, offset: int) -> ReceivedRecord:
    return ReceivedRecord("topic", 0, offset, record.key, record.value, list(record.headers))


def trigger(run_id: str, offset: int, **parameters: Any) -> ReceivedRecord:
    return consumed(event("triggered", run_id, {"parameters": parameters}, offset), offset)


def status(run_id: str, word: str, seconds: int = 0, **payload: Any) -> ReceivedRecord:
    return consumed(event(word, run_id, {"status": word} | payload, seconds), seconds)


def dead(record: ReceivedRecord, **changes: Any) -> ReceivedRecord:
    """The dead letter of a record of the events topic."""
    values: dict[str, Any] = {
        "reason": "invalid-parameters",
        "detail": "isin is missing",
        "topic": "workflow-events",
        "partition": 0,
        "offset": record.offset,
        "consumer_group": "tradewind-airflow",
        "dead_lettered_at": START,
        "workflow_run_id": (record.key or b"").decode(),
    }
    headers = dead_letters.headers(DeadLetter(**(values | changes)), record.headers)
    return ReceivedRecord("workflow-events.dlq", 0, 0, record.key, record.value, list(headers))


def run_of(index: LedgerIndex, run_id: str = "run-a") -> Run:
    found = index.get(run_id)
    assert found is not None
    return found
