"""Dead letters for the records that a service cannot process."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.problems import FieldError
from tradewind_service.received_records import ReceivedRecord


@dataclass(frozen=True)
class RunReference:
    """The run that a record requested, as far as it could be decoded."""

    workflow_run_id: str | None = None
    workflow_id: str | None = None
    workflow_type: str | None = None


def dead_letter(
    record: ReceivedRecord,
    consumer_group: str,
    reason: str,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    run: RunReference | None = None,
) -> DeadLetter:
    """Return why `consumer_group` cannot process a record; `reason` is a DecodeError's or a problem's slug."""
    run = run or RunReference()
    return DeadLetter(
        reason=reason,
        detail=detail,
        errors=list(errors),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        consumer_group=consumer_group,
        dead_lettered_at=datetime.now(UTC),
        workflow_run_id=run.workflow_run_id,
        workflow_id=run.workflow_id,
        workflow_type=run.workflow_type,
    )
