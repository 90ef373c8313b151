"""A run's state transitions, derived from its row: pure functions, so that every server reports the same events.

Airflow's `DagRun.set_state` sets `queued_at`, `start_date` and `end_date`, and a clear resets them. So a run that
starts and ends between two reads still shows each of its states, and nothing uncommitted is reported.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from airflow.utils.state import DagRunState, State

from tradewind_airflow.feed import settings
from tradewind_airflow.feed.rows import Question, RunRow
from tradewind_airflow.runs.run_states import is_cancelled, run_status
from tradewind_contracts.events import StatusPayload, WorkflowStatusChanged
from tradewind_contracts.workflows import RunStatus, WorkflowType

SOURCE = "airflow"

WRITTEN_AGAIN = timedelta(seconds=5)
"""An ended run whose row was written this long after its end was marked by hand, which does not change `end_date`."""

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tradewind:airflow:status")


@dataclass(frozen=True)
class Transition:
    """A run entered a status at an instant."""

    status: RunStatus
    at: datetime


def transitions(run: RunRow, questions: Iterable[Question] = ()) -> list[Transition]:
    """Return the transitions that the row proves, in the order in which they happened; the last is the run's status."""
    return [*_before(run), *_running(run, questions), *_end(run)]


def _before(run: RunRow) -> Iterator[Transition]:
    # A run that is cleared while it runs gets a new `queued_at` and keeps running.
    never_left = run.start_date and run.queued_at and run.queued_at > run.start_date
    if run.queued_at and not never_left:
        held = run.is_paused and run.state == DagRunState.QUEUED.value
        yield Transition(run_status(DagRunState.QUEUED, is_paused=held), run.queued_at)


def _running(run: RunRow, questions: Iterable[Question]) -> Iterator[Transition]:
    if run.start_date is None or run.state == DagRunState.QUEUED.value:
        return
    began = max(run.start_date, run.queued_at or run.start_date)
    yield Transition(RunStatus.RUNNING, began)
    for requested_at, answered_at in _waits([question for question in questions if _is_of(question, began)]):
        yield Transition(RunStatus.WAITING, requested_at)
        if answered_at:
            yield Transition(RunStatus.RUNNING, answered_at)


def _is_of(question: Question, began: datetime) -> bool:
    """Whether a question is of the current attempt, not of one that was cleared."""
    return question.requested_at >= began


def _waits(questions: Sequence[Question]) -> list[tuple[datetime, datetime | None]]:
    """Return the spans of time in which at least one question was open."""
    spans: list[tuple[datetime, datetime | None]] = []
    # One that was answered at once has not made the run wait, and the event of its end would have its start's id.
    open_ones = [question for question in questions if question.answered_at != question.requested_at]
    for question in sorted(open_ones, key=lambda one: one.requested_at):
        requested_at, answered_at = spans[-1] if spans else (None, None)
        if requested_at is None or (answered_at and answered_at < question.requested_at):
            spans.append((question.requested_at, question.answered_at))
        elif answered_at:
            spans[-1] = (requested_at, question.answered_at and max(answered_at, question.answered_at))
    return spans


def _end(run: RunRow) -> Iterator[Transition]:
    if run.state not in State.finished_dr_states:
        return
    # A cancelled backfill's runs are failed by a bare UPDATE, without an `end_date`.
    ended_at = run.end_date or run.updated_at
    yield Transition(_terminal_status(run), run.updated_at if run.updated_at - ended_at > WRITTEN_AGAIN else ended_at)


def _terminal_status(run: RunRow) -> RunStatus:
    cancelled = is_cancelled(run.envelope, clear_number=run.clear_number, state=run.state)
    return run_status(run.state, is_cancelled=cancelled)


def event(run: RunRow, transition: Transition) -> WorkflowStatusChanged:
    """Return the event of a transition, with the same id whenever and on whichever server it is created."""
    ended = transition.status.is_terminal
    before = transition.status in {RunStatus.QUEUED, RunStatus.HELD}
    return WorkflowStatusChanged.model_validate(
        {
            "event_id": event_id(run, transition),
            "event_type": f"workflow.{transition.status}",
            "timestamp": transition.at,
            "source": SOURCE,
            "workflow_id": run.dag_id,
            "workflow_type": WorkflowType.AIRFLOW,
            "workflow_run_id": run.run_id,
            "metadata": settings.metadata(),
            "payload": StatusPayload(
                status=transition.status,
                progress=1.0 if transition.status is RunStatus.SUCCEEDED else 0.0,
                started_at=None if before else run.start_date,
                completed_at=run.end_date if ended else None,
            ),
        }
    )


def event_id(run: RunRow, transition: Transition) -> str:
    """Return the UUIDv5 of what identifies the transition."""
    instant = transition.at.astimezone(UTC).isoformat(timespec="microseconds")
    parts = (run.dag_id, run.run_id, str(run.clear_number), transition.status.value, instant)
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))
