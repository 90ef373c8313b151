"""What the topics say about runs, as a bounded index in memory. It holds nothing that the topics could not tell again.

The index answers what the engines cannot: that an Idempotency-Key was used and for what, that a run was accepted and
no engine has it yet, that it was dead-lettered, and how it stood when its engine was last heard of.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime

from tradewind_api.preferences import fingerprint
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.workflows import RunStatus, WorkflowStatus, WorkflowType

_ELSEWHERE = -1


@dataclass(frozen=True, slots=True)
class Trigger:
    """The record that asked for the run; `last_offset` is that of its latest repeat (a replay, a retry)."""

    created_at: datetime
    fingerprint: bytes
    first_offset: int
    last_offset: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the run was given up; `offset` is that of the record that was, or -1 where it stood in another topic."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one run. `status` is a `WorkflowStatus` as JSON: small, and nothing for the collector."""

    workflow_id: str | None = None
    workflow_type: WorkflowType | None = None
    trigger: Trigger | None = None
    rejection: Rejection | None = None
    status: bytes | None = None
    status_at: datetime | None = None

    @property
    def rejected(self) -> bool:
        """Whether the latest record that asked for the run was dead-lettered; a replay after it asks anew."""
        if self.rejection is None or self.status is not None:
            return False
        return self.trigger is None or self.rejection.offset >= self.trigger.last_offset

    def last_known(self, workflow_run_id: str) -> WorkflowStatus:
        """Return the run's status as the topics tell it."""
        if self.status is not None:
            return WorkflowStatus.model_validate_json(self.status)
        return WorkflowStatus(
            workflow_run_id=workflow_run_id,
            status=RunStatus.REJECTED if self.rejected else RunStatus.TRIGGERED,
            progress=0,
            error=self.rejection.text if self.rejection and self.rejected else None,
            workflow_id=self.workflow_id,
            workflow_type=self.workflow_type,
        )


class LedgerIndex:
    """Run id -> `Run`, of the `max_runs` runs last heard of, with at most `max_bytes` of statuses.

    Safe for threads. Any order of feeding that keeps each partition's order gives the same index.
    """

    def __init__(self, events_topic: str, *, max_runs: int, max_bytes: int) -> None:
        self._events_topic = events_topic
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self._bytes = 0
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, workflow_run_id: str) -> Run | None:
        """Return what is known of a run."""
        return self._runs.get(workflow_run_id)

    def has_trigger_at(self, workflow_run_id: str, offset: int) -> bool:
        """Whether the record at this offset of the run's partition was fed already."""
        run = self._runs.get(workflow_run_id)
        return run is not None and run.trigger is not None and run.trigger.last_offset == offset

    def triggered(self, event: WorkflowTriggered, offset: int) -> None:
        """Take in a trigger. Of two with different payloads the first stands: it is the one that engines run."""
        payload = event.payload
        digest = fingerprint(event.workflow_type, payload.parameters, payload.priority)
        new = Trigger(event.timestamp, digest, offset, offset)
        with self._lock:
            run = self._runs.get(event.workflow_run_id, Run())
            if run.trigger is None or offset < run.trigger.first_offset:
                run = replace(run, workflow_id=event.workflow_id, workflow_type=event.workflow_type)
            self._put(event.workflow_run_id, replace(run, trigger=_merged(run.trigger, new)))

    def changed(self, event: WorkflowStatusChanged) -> None:
        """Take in a status; one that is older than what is known changes nothing."""
        status = WorkflowStatus(
            workflow_run_id=event.workflow_run_id,
            workflow_id=event.workflow_id,
            workflow_type=event.workflow_type,
            **dict(event.payload),
        ).model_dump_json(exclude_none=True)
        with self._lock:
            run = self._runs.get(event.workflow_run_id, Run(event.workflow_id, event.workflow_type))
            if run.status_at is None or event.timestamp >= run.status_at:
                self._put(event.workflow_run_id, replace(run, status=status.encode(), status_at=event.timestamp))

    def rejected(self, workflow_run_id: str, letter: DeadLetter) -> None:
        """Take in that a record which asked for this run was dead-lettered."""
        offset = letter.offset if letter.topic == self._events_topic else _ELSEWHERE
        rejection = Rejection(f"{letter.reason}: {letter.detail}", offset)
        with self._lock:
            run = self._runs.get(workflow_run_id, Run(letter.workflow_id, _type(letter.workflow_type)))
            if run.rejection is None or offset >= run.rejection.offset:
                self._put(workflow_run_id, replace(run, rejection=rejection))

    def _put(self, workflow_run_id: str, run: Run) -> None:
        self._bytes += _weight(run) - _weight(self._runs.pop(workflow_run_id, None))
        self._runs[workflow_run_id] = run
        while len(self._runs) > self._max_runs or (self._bytes > self._max_bytes and len(self._runs) > 1):
            _, forgotten = self._runs.popitem(last=False)
            self._bytes -= _weight(forgotten)


def _merged(known: Trigger | None, new: Trigger) -> Trigger:
    if known is None:
        return new
    first = min(known, new, key=lambda trigger: trigger.first_offset)
    return replace(first, last_offset=max(known.last_offset, new.last_offset))


def _weight(run: Run | None) -> int:
    return len(run.status) if run and run.status else 0


def _type(name: str | None) -> WorkflowType | None:
    return WorkflowType(name) if name in set(WorkflowType) else None
