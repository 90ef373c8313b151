"""A bounded in-memory index of what the topics say about runs; it can be rebuilt from them at any time.

The index has what the engines have not: which request an Idempotency-Key was used for, that a run was accepted and no
engine has it yet, that it was dead-lettered, and the last status that its engine published.
"""

import hashlib
import heapq
import json
import math
import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from tradewind_api.run_ends import RunEnds
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_contracts.events import WorkflowStatusChanged, WorkflowTriggered
from tradewind_contracts.json_text import JsonObject
from tradewind_contracts.workflows import Priority, RunStatus, WorkflowId, WorkflowStatus, WorkflowType

_OTHER_TOPIC = -1
_WORKFLOW_ID: TypeAdapter[str] = TypeAdapter(WorkflowId)
_WORKFLOW_TYPE: TypeAdapter[WorkflowType] = TypeAdapter(WorkflowType)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Trigger:
    """The record that triggered the run; `last_offset` is that of its latest repeat (a replay, a retry)."""

    created_at: datetime
    fingerprint: bytes
    first_offset: int
    last_offset: int


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why the trigger was dead-lettered; `offset` is that of its record, or -1 if that was in another topic."""

    text: str
    offset: int


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of one run. `status` is a `WorkflowStatus` as JSON: small, not tracked by the garbage collector."""

    workflow_id: str | None = None
    workflow_type: WorkflowType | None = None
    trigger: Trigger | None = None
    rejection: Rejection | None = None
    status: bytes | None = None
    status_at: datetime | None = None
    updated_at: float = -math.inf

    @property
    def rejected(self) -> bool:
        """Whether the latest record that triggered the run was dead-lettered; a replay of it is a later record."""
        if self.rejection is None or self.status is not None:
            return False
        return self.trigger is None or self.rejection.offset >= self.trigger.last_offset

    def last_known(self, workflow_run_id: str) -> WorkflowStatus:
        """Return the run's status according to the topics."""
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
    """Run id -> `Run` for the `max_runs` runs with the latest events, with at most `max_bytes` of statuses.

    Thread-safe. Any order of feeding that keeps each partition's order gives the same index. A run's age is that of its
    latest event: partitions and topics are not read in the order of time.
    """

    def __init__(self, events_topic: str, *, max_runs: int, max_bytes: int) -> None:
        self._events_topic = events_topic
        self._max_runs = max_runs
        self._max_bytes = max_bytes
        self.ends = RunEnds()
        self._bytes = 0
        self._runs: dict[str, Run] = {}
        self._by_age: list[tuple[float, str]] = []  # a heap: per run a time not after its `updated_at`
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, workflow_run_id: str) -> Run | None:
        """Return what is known of a run."""
        return self._runs.get(workflow_run_id)

    def has_trigger_at(self, workflow_run_id: str, offset: int) -> bool:
        """Whether the record at this offset of the run's partition was already fed."""
        run = self._runs.get(workflow_run_id)
        return run is not None and run.trigger is not None and run.trigger.last_offset == offset

    def triggered(self, event: WorkflowTriggered, offset: int) -> None:
        """Add a trigger. Of two with different payloads the first counts: it is the one that engines run."""
        payload = event.payload
        digest = fingerprint(event.workflow_type, payload.parameters, payload.priority)
        new = Trigger(event.timestamp, digest, offset, offset)
        with self._lock:
            run = self._runs.get(event.workflow_run_id, Run())
            if run.trigger is None or offset < run.trigger.first_offset:
                run = replace(run, workflow_id=event.workflow_id, workflow_type=event.workflow_type)
            self._put(event.workflow_run_id, replace(run, trigger=_merged(run.trigger, new)), event.timestamp)

    def changed(self, event: WorkflowStatusChanged) -> None:
        """Add a status; one that is older than the known status changes nothing."""
        status = WorkflowStatus(
            workflow_run_id=event.workflow_run_id,
            workflow_id=event.workflow_id,
            workflow_type=event.workflow_type,
            **dict(event.payload),
        ).model_dump_json(exclude_none=True)
        with self._lock:
            run = self._runs.get(event.workflow_run_id, Run(event.workflow_id, event.workflow_type))
            if run.status_at is None or event.timestamp >= run.status_at:
                run = replace(run, status=status.encode(), status_at=event.timestamp)
                self._put(event.workflow_run_id, run, event.timestamp)
        if event.payload.status.is_terminal:
            self.ends.report(event.workflow_run_id)

    def rejected(self, workflow_run_id: str, letter: DeadLetter) -> None:
        """Add that a record which triggered this run was dead-lettered."""
        offset = letter.offset if letter.topic == self._events_topic else _OTHER_TOPIC
        rejection = Rejection(f"{letter.reason}: {letter.detail}", offset)
        with self._lock:
            run = self._runs.get(workflow_run_id, _run_of(letter))
            if run.rejection is None or offset >= run.rejection.offset:
                self._put(workflow_run_id, replace(run, rejection=rejection), letter.dead_lettered_at)
        self.ends.report(workflow_run_id)

    def _put(self, workflow_run_id: str, run: Run, at: datetime) -> None:
        # A producer whose clock is ahead must not keep its runs here for ever.
        updated_at = max(run.updated_at, min(at.timestamp(), time.time()))
        known = self._runs.get(workflow_run_id)
        if known is None:
            heapq.heappush(self._by_age, (updated_at, workflow_run_id))
        self._bytes += _status_bytes(run) - _status_bytes(known)
        self._runs[workflow_run_id] = replace(run, updated_at=updated_at)
        while len(self._runs) > self._max_runs or (self._bytes > self._max_bytes and len(self._runs) > 1):
            self._evict_oldest()

    def _evict_oldest(self) -> None:
        # The entry of a run is brought up to date here alone: an update costs nothing.
        noted_at, workflow_run_id = self._by_age[0]
        run = self._runs[workflow_run_id]
        if run.updated_at > noted_at:
            heapq.heapreplace(self._by_age, (run.updated_at, workflow_run_id))
        else:
            heapq.heappop(self._by_age)
            self._bytes -= _status_bytes(self._runs.pop(workflow_run_id))


def fingerprint(workflow_type: WorkflowType, parameters: JsonObject, priority: Priority) -> bytes:
    """Return 16 bytes that identify a payload: what the same Idempotency-Key must be sent with again."""
    text = json.dumps([workflow_type, parameters, priority], sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _merged(known: Trigger | None, new: Trigger) -> Trigger:
    if known is None:
        return new
    first = min(known, new, key=lambda trigger: trigger.first_offset)
    return replace(first, last_offset=max(known.last_offset, new.last_offset))


def _status_bytes(run: Run | None) -> int:
    return len(run.status) if run and run.status else 0


def _run_of(letter: DeadLetter) -> Run:
    # The record may have been dead-lettered for these very fields.
    return Run(_valid(_WORKFLOW_ID, letter.workflow_id), _valid(_WORKFLOW_TYPE, letter.workflow_type))


def _valid(contract: TypeAdapter[_T], value: object) -> _T | None:
    try:
        return contract.validate_python(value)
    except ValidationError:
        return None
