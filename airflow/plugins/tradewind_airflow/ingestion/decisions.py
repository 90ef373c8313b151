"""What becomes of a record. Pure functions: no Kafka, no HTTP, no clock."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from tradewind_contracts import records, run_ids
from tradewind_contracts.batches import BatchItem, EventOrigin, ItemResult, Outcome
from tradewind_contracts.commands import CancelRequest
from tradewind_contracts.events import CancelRequested, ResumeRequested, WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.problems import FieldError, Problem, ProblemType
from tradewind_contracts.records import Decoded, DecodeError
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.received_records import ReceivedRecord

MAX_DETAIL = 2000


@dataclass(frozen=True)
class Trigger:
    """A run shall be made."""

    item: BatchItem


@dataclass(frozen=True)
class Cancel:
    """A run shall be ended; `key` is the same for each delivery of the event that asks for it."""

    workflow_run_id: str
    workflow_id: str
    key: str
    request: CancelRequest
    workflow_type: WorkflowType = WorkflowType.AIRFLOW


@dataclass(frozen=True)
class Skip:
    """Not for us, or not yet; `why` is one of a few words."""

    why: str


@dataclass(frozen=True)
class GiveUp:
    """To the dead-letter topic; `reason` is a DecodeError's, or the slug of a problem type."""

    reason: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    item: BatchItem | Cancel | None = None


@dataclass(frozen=True)
class Done:
    """The run exists, or was cancelled. `outcome` is one of a few words."""

    outcome: str


@dataclass(frozen=True)
class Again:
    """Ask again later; `problem` says why not now."""

    problem: Problem


Work = Trigger | Cancel | Skip | GiveUp
Verdict = Done | Again | GiveUp


def read(record: ReceivedRecord) -> Work:
    """Return what a record asks for."""
    try:
        decoded = records.decode(record.value, record.headers)
    except DecodeError as error:
        return GiveUp(error.reason, error.detail[:MAX_DETAIL], tuple(error.errors))
    return _wanted(decoded)


def _wanted(decoded: Decoded) -> Work:
    event = decoded.event
    if event.workflow_type is not WorkflowType.AIRFLOW:
        return Skip("other-engine")
    if isinstance(event, WorkflowStatusChanged):
        return Skip("not-a-request")
    if isinstance(event, CancelRequested):
        return _cancel(event)
    if isinstance(event, ResumeRequested):
        # Kept as a dead letter, so that it can be replayed once answers are taken.
        return GiveUp("unsupported-command", "a waiting task is answered in Airflow itself (its required actions)")
    try:
        return Trigger(_item(event, decoded.traceparent))
    except ValidationError as error:
        found = records.field_errors(error)
        return GiveUp("invalid-event", _told(found), tuple(found))


def _cancel(event: CancelRequested) -> Work:
    wanted = Cancel(
        workflow_run_id=event.workflow_run_id,
        workflow_id=event.workflow_id,
        key=run_ids.from_event(event.source, event.event_id),
        request=CancelRequest(mode=event.payload.mode, reason=event.payload.reason),
    )
    # No run of Airflow's has such an id, and in the path of a URL it would mean another page.
    if event.workflow_run_id in {".", ".."}:
        return GiveUp(ProblemType.UNKNOWN_RUN.slug, "no run has this id", item=wanted)
    return wanted


def _item(event: WorkflowTriggered, traceparent: str | None) -> BatchItem:
    return BatchItem(
        workflow_id=event.workflow_id,
        workflow_type=event.workflow_type,
        parameters=event.payload.parameters,
        priority=event.payload.priority,
        workflow_run_id=event.workflow_run_id,
        origin=EventOrigin(
            event_id=event.event_id, source=event.source, timestamp=event.timestamp, traceparent=traceparent
        ),
    )


def _told(errors: Iterable[FieldError]) -> str:
    return "; ".join(f"{error.pointer} {error.detail}" for error in errors)[:MAX_DETAIL]


def judge(item: BatchItem, result: ItemResult) -> Verdict:
    """Return what the plugin's answer to `item` means."""
    if result.outcome in {Outcome.CREATED, Outcome.EXISTS}:
        return Done(result.outcome.value)
    if result.problem is None:
        return GiveUp(result.outcome.value, "the plugin gave no reason", item=item)
    return Again(result.problem) if result.outcome is Outcome.UNAVAILABLE else give_up(item, result.problem)


def judge_cancel(wanted: Cancel, refusal: Problem | None) -> Verdict:
    """Return what the plugin's answer to a cancel means. A run that has ended meanwhile is what was asked for."""
    if refusal is None:
        return Done("cancelled")
    return Done("too-late") if refusal.type == ProblemType.STATE_CONFLICT.uri else give_up(wanted, refusal)


def run_of(work: Work) -> str | None:
    """Return the run that a record is about, if it waits for anything."""
    if isinstance(work, Trigger):
        return work.item.workflow_run_id
    return work.workflow_run_id if isinstance(work, Cancel) else None


def give_up(item: BatchItem | Cancel, problem: Problem) -> GiveUp:
    """Return the end of an item that was refused for good, or has waited long enough."""
    return GiveUp(problem.type.rpartition(":")[2], problem.detail[:MAX_DETAIL], tuple(problem.errors), item)
