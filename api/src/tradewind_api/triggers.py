"""Accepts triggers: checks them, and answers once the broker has acknowledged the event."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from tradewind_api.ledger import LedgerIndex, fingerprint
from tradewind_api.metrics import Metrics
from tradewind_api.settings import Settings
from tradewind_api.workflow_lists import WorkflowLists
from tradewind_contracts import json_text, records, run_ids
from tradewind_contracts.events import Metadata, TriggerPayload, WorkflowTriggered
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.workflows import RunStatus, WorkflowRequest, WorkflowResponse
from tradewind_service.problem_responses import ProblemError, problem_error
from tradewind_service.prometheus_metrics import exemplar
from tradewind_service.publisher import DeliveryError, NotQueuedError, Publisher

SOURCE = "fastapi"
RETRY_AFTER_SECONDS = 2


@dataclass(frozen=True)
class TriggerRequest:
    """A call to trigger a workflow: `caller` is the name of its token, `key` its Idempotency-Key."""

    workflow: WorkflowRequest
    caller: str
    key: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True)
class _PendingDelivery:
    fingerprint: bytes
    delivery: asyncio.Task[WorkflowResponse]


class Triggers:
    """Accepts triggers. The same key from the same caller for the same workflow is always the same run.

    A key that this process has read from the topics, or is delivering now, is answered without a second event. Any
    other repeat (another facade delivers it now, or it is older than the ledger) becomes an event with the same run
    id, for which engines create one run.
    """

    def __init__(
        self,
        publisher: Publisher,
        index: LedgerIndex,
        workflow_lists: WorkflowLists,
        metrics: Metrics,
        settings: Settings,
    ) -> None:
        self._publisher = publisher
        self._index = index
        self._workflow_lists = workflow_lists
        self._metrics = metrics
        self._metadata = Metadata(environment=settings.environment)
        self._topic = settings.events_topic
        self._pending: dict[str, _PendingDelivery] = {}

    async def accept(self, trigger: TriggerRequest) -> WorkflowResponse:
        """Return the accepted run, `deduplicated` if it had been accepted before; raise `ProblemError`."""
        begun = time.perf_counter()
        try:
            response = await (self._new(trigger) if trigger.key is None else self._keyed(trigger, trigger.key))
        except ProblemError as error:
            self._metrics.triggers.labels(error.problem.type.rpartition(":")[2]).inc()
            raise
        finally:
            self._metrics.accept_seconds.observe(time.perf_counter() - begun, exemplar(trigger.traceparent))
        self._metrics.triggers.labels("deduplicated" if response.deduplicated else "accepted").inc()
        return response

    async def _new(self, trigger: TriggerRequest) -> WorkflowResponse:
        await self._workflow_lists.check(trigger.workflow)
        return await self._deliver(trigger, run_ids.new())

    async def _keyed(self, trigger: TriggerRequest, key: str) -> WorkflowResponse:
        request = trigger.workflow
        run_id = run_ids.from_idempotency_key(trigger.caller, request.workflow_id, key)
        digest = fingerprint(request.workflow_type, request.parameters, request.priority)
        if replay := self._replay(request, run_id, digest):
            return replay
        if pending := self._pending.get(run_id):
            _require_same_payload(pending.fingerprint, digest, run_id)
            return (await asyncio.shield(pending.delivery)).model_copy(update={"deduplicated": True})
        return await asyncio.shield(self._start_delivery(trigger, run_id, digest))

    def _replay(self, request: WorkflowRequest, run_id: str, digest: bytes) -> WorkflowResponse | None:
        run = self._index.get(run_id)
        if run is None or run.trigger is None:
            return None
        _require_same_payload(run.trigger.fingerprint, digest, run_id)
        status = RunStatus.REJECTED if run.rejected else RunStatus.TRIGGERED
        return _response(request, run_id, run.trigger.created_at, status, deduplicated=True)

    def _start_delivery(self, trigger: TriggerRequest, run_id: str, digest: bytes) -> asyncio.Task[WorkflowResponse]:
        # A task of its own: when the first caller disconnects, the others still get their answer.
        delivery = asyncio.create_task(self._checked(trigger, run_id))
        self._pending[run_id] = _PendingDelivery(digest, delivery)
        delivery.add_done_callback(partial(self._end_delivery, run_id))
        return delivery

    def _end_delivery(self, run_id: str, delivery: asyncio.Task[WorkflowResponse]) -> None:
        del self._pending[run_id]
        if not delivery.cancelled():
            delivery.exception()  # marks it as retrieved, even if every caller has disconnected

    async def _checked(self, trigger: TriggerRequest, run_id: str) -> WorkflowResponse:
        await self._workflow_lists.check(trigger.workflow)
        return await self._deliver(trigger, run_id)

    async def _deliver(self, trigger: TriggerRequest, run_id: str) -> WorkflowResponse:
        event = self._event(trigger.workflow, run_id)
        record = records.encode(event, trigger.traceparent)
        _require_size(record)
        try:
            position = await self._publisher.publish(self._topic, record)
        except DeliveryError as error:
            raise _undelivered(error, run_id, keyed=trigger.key is not None) from error
        self._index.triggered(event, position.offset)
        return _response(trigger.workflow, run_id, event.timestamp, RunStatus.TRIGGERED, deduplicated=False)

    def _event(self, request: WorkflowRequest, run_id: str) -> WorkflowTriggered:
        # Already validated with the request: not validated a second time.
        return WorkflowTriggered(
            timestamp=datetime.now(UTC),
            source=SOURCE,
            workflow_id=request.workflow_id,
            workflow_type=request.workflow_type,
            workflow_run_id=run_id,
            payload=TriggerPayload.model_construct(parameters=request.parameters, priority=request.priority),
            metadata=self._metadata,
        )


def _require_same_payload(first: bytes, now: bytes, run_id: str) -> None:
    if first != now:
        detail = f"run {run_id} was asked for under this Idempotency-Key with another type, parameters or priority"
        raise problem_error(ProblemType.IDEMPOTENCY_CONFLICT, detail, instance=_status_path(run_id))


def _require_size(record: records.Record) -> None:
    # Numbers may grow on their way through JSON (1e9 becomes 1000000000.0): consumers refuse what is larger than this.
    if len(record.value) > json_text.MAX_BYTES:
        raise problem_error(
            ProblemType.BODY_TOO_LARGE, f"the event has {len(record.value)} bytes of {json_text.MAX_BYTES}"
        )


def _undelivered(error: DeliveryError, run_id: str, *, keyed: bool) -> ProblemError:
    if isinstance(error, NotQueuedError):
        detail = f"the event was not taken, and no run will be created: {error}"
        return problem_error(ProblemType.KAFKA_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS)
    advice = "Send it again with the same Idempotency-Key: it stays one run." if keyed else _ADVICE_WITHOUT_KEY
    detail = f"the broker has not confirmed the event ({error}); it may or may not have kept it. {advice}"
    path = _status_path(run_id)
    return problem_error(ProblemType.KAFKA_UNAVAILABLE, detail, retry_after=RETRY_AFTER_SECONDS, instance=path)


_ADVICE_WITHOUT_KEY = (
    "The call had no Idempotency-Key: look at `instance` for whether the run exists before you send it again, "
    "and use a key: then a repeat stays one run."
)


def _status_path(run_id: str) -> str:
    return f"/workflows/{run_id}/status"


def _response(
    request: WorkflowRequest, run_id: str, created_at: datetime, status: RunStatus, *, deduplicated: bool
) -> WorkflowResponse:
    return WorkflowResponse(
        workflow_run_id=run_id,
        status=status,
        created_at=created_at,
        workflow_id=request.workflow_id,
        workflow_type=request.workflow_type,
        deduplicated=deduplicated,
    )
