"""What a record asks for, and what the plugin's answer means for it. Pure functions: no Kafka, no HTTP, no clock."""

from dataclasses import dataclass

from tradewind_contracts import records, run_ids
from tradewind_contracts.batches import BatchItem, EventOrigin, ItemResult, Outcome
from tradewind_contracts.commands import CancelRequest
from tradewind_contracts.events import CancelRequested, Event, ResumeRequested, WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.problems import FieldError, Problem, ProblemType
from tradewind_contracts.records import DecodeError
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.received_records import ReceivedRecord

MAX_DETAIL = 2000


@dataclass(frozen=True)
class Trigger:
    """A run is to be created."""

    item: BatchItem


@dataclass(frozen=True)
class Cancel:
    """A run is to be cancelled; `key` is the same for each delivery of the event that asks for it."""

    workflow_run_id: str
    workflow_id: str
    key: str
    request: CancelRequest
    workflow_type: WorkflowType = WorkflowType.AIRFLOW


@dataclass(frozen=True)
class Skip:
    """A record that is not for us; `why` is one of a few words."""

    why: str


@dataclass(frozen=True)
class DeadLettered:
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
class RetryLater:
    """To be asked for again; `problem` says why not now."""

    problem: Problem


Work = Trigger | Cancel | Skip | DeadLettered
Verdict = Done | RetryLater | DeadLettered


def read(record: ReceivedRecord) -> Work:
    """Return what a record asks for."""
    try:
        decoded = records.decode(record.value, record.headers)
    except DecodeError as error:
        return DeadLettered(error.reason, error.detail[:MAX_DETAIL], tuple(error.errors))
    return _work_of(decoded.event, decoded.traceparent)


def _work_of(event: Event, traceparent: str | None) -> Work:
    if event.workflow_type is not WorkflowType.AIRFLOW:
        return Skip("other-engine")
    if isinstance(event, WorkflowStatusChanged):
        return Skip("not-a-request")
    if isinstance(event, CancelRequested):
        return _cancel(event)
    if isinstance(event, ResumeRequested):
        # Kept as a dead letter, so that it can be replayed once answers are taken.
        return DeadLettered(
            "unsupported-command", "a waiting task is answered in Airflow itself (its required actions)"
        )
    return Trigger(_item(event, traceparent))


def _cancel(event: CancelRequested) -> Work:
    cancel = Cancel(
        workflow_run_id=event.workflow_run_id,
        workflow_id=event.workflow_id,
        key=run_ids.from_event(event.source, event.event_id),
        request=CancelRequest(mode=event.payload.mode, reason=event.payload.reason),
    )
    # No run of Airflow's has such an id, and in the path of a URL it would mean another page.
    if event.workflow_run_id in {".", ".."}:
        return DeadLettered(ProblemType.UNKNOWN_RUN.slug, "no run has this id", item=cancel)
    return cancel


def _item(event: WorkflowTriggered, traceparent: str | None) -> BatchItem:
    # The event was validated by the same types: not validated a second time.
    return BatchItem.model_construct(
        workflow_id=event.workflow_id,
        workflow_type=event.workflow_type,
        parameters=event.payload.parameters,
        priority=event.payload.priority,
        workflow_run_id=event.workflow_run_id,
        origin=EventOrigin.model_construct(
            event_id=event.event_id, source=event.source, timestamp=event.timestamp, traceparent=traceparent
        ),
    )


def judge(item: BatchItem, result: ItemResult) -> Verdict:
    """Return what the plugin's answer to `item` means."""
    if result.outcome in {Outcome.CREATED, Outcome.EXISTS}:
        return Done(result.outcome.value)
    if result.problem is None:
        return DeadLettered(result.outcome.value, "the plugin gave no reason", item=item)
    return RetryLater(result.problem) if result.outcome is Outcome.UNAVAILABLE else dead_lettered(item, result.problem)


def judge_cancel(cancel: Cancel, refusal: Problem | None) -> Verdict:
    """Return what the plugin's answer to a cancel means. A run that has ended meanwhile is what was asked for."""
    if refusal is None:
        return Done("cancelled")
    return Done("too-late") if refusal.type == ProblemType.STATE_CONFLICT.uri else dead_lettered(cancel, refusal)


def run_of(work: Work) -> str | None:
    """Return the run that a record is about, if it waits for anything."""
    if isinstance(work, Trigger):
        return work.item.workflow_run_id
    return work.workflow_run_id if isinstance(work, Cancel) else None


def dead_lettered(item: BatchItem | Cancel, problem: Problem) -> DeadLettered:
    """Return why a record that was refused for good, or has waited long enough, is dead-lettered."""
    return DeadLettered(problem.type.rpartition(":")[2], problem.detail[:MAX_DETAIL], tuple(problem.errors), item)
