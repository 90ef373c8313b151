"""One record's work, from its verdict to the moment when its offset may move."""

import asyncio
import logging
from dataclasses import dataclass

from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl

from tradewind_agents import database, status_events
from tradewind_agents.graphs import Graphs
from tradewind_agents.intake import Accepted, Intake, Rejected
from tradewind_agents.locks import RunBusyError, RunLocks
from tradewind_agents.metrics import Metrics
from tradewind_agents.runs import Run, RunStore
from tradewind_contracts import dead_letters, records
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_service.backoff import Backoff
from tradewind_service.prometheus_metrics import exemplar
from tradewind_service.publisher import DeliveryError, KafkaPublisher, RecordPosition

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destinations:
    """Where records go, and what they say of where they come from."""

    status_topic: str
    dead_letters_topic: str
    environment: str


@dataclass(frozen=True)
class Runner:
    """Runs what was accepted and dead-letters what was rejected.

    Effectively once: the row of a run id is inserted once and ended once, a redelivered record goes on from the
    checkpoint. A node that was at work when its process died runs again. Status events are sent at least once.
    """

    locks: RunLocks
    store: RunStore
    graphs: Graphs
    publisher: KafkaPublisher
    intake: Intake
    metrics: Metrics
    destinations: Destinations

    async def settle(self, verdict: Accepted | Rejected, control: RunControl) -> bool:
        """Return True when the record's effect is durable, False when `control` asked to stop before.

        Whatever fails on our side (Postgres, Kafka, a bug) is tried again for ever: giving up would lose the run.
        """
        backoff, pause = Backoff(0.1), 0.0
        while not await _drained_within(pause, control):
            try:
                await self._attempt(verdict, control)
            except GraphDrained:
                return False
            except Exception as error:  # noqa: BLE001  # any error but the graph's own must not lose the record
                self._report(verdict, error)
                pause = backoff.next()
            else:
                return True
        return False

    async def _attempt(self, verdict: Accepted | Rejected, control: RunControl) -> None:
        if isinstance(verdict, Rejected):
            await self._dead_letter(verdict)
            return
        async with self.locks.hold(verdict.run_id):
            await self._settle_run(verdict, control)

    async def _settle_run(self, verdict: Accepted, control: RunControl) -> None:
        run, is_new = await self.store.start(verdict.trigger)
        if is_new:
            self._count_start(run, verdict)
        if not run.is_of(verdict.trigger):
            await self._dead_letter(self.intake.conflict(verdict))
        elif run.completed_at is not None:
            await self._send(status_events.ended(run, self.destinations.environment), verdict.traceparent)
        else:
            await self._run(run, verdict, control, is_new=is_new)

    async def _run(self, run: Run, accepted: Accepted, control: RunControl, *, is_new: bool) -> None:
        started = self._send(status_events.running(run, self.destinations.environment), accepted.traceparent)
        # Awaited only after the run: a failure before that must not be reported as never retrieved.
        started.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
        outcome = await self.graphs.run(run.workflow_id, run.run_id, accepted.parameters, control, is_new=is_new)
        ended = await self.store.finish(run.run_id, outcome.status, outcome.result, outcome.error)
        await started
        await self._send(status_events.ended(ended, self.destinations.environment), accepted.traceparent)
        self._count_end(ended, accepted)

    def _send(self, event: WorkflowStatusChanged, traceparent: str | None) -> asyncio.Future[RecordPosition]:
        record = records.encode(event, traceparent)
        return self.publisher.send(self.destinations.status_topic, record.key, record.value, record.headers)

    async def _dead_letter(self, rejected: Rejected) -> None:
        record = rejected.record
        headers = dead_letters.headers(rejected.letter, record.headers)
        await self.publisher.send(self.destinations.dead_letters_topic, record.key, record.value, headers)
        self.metrics.dead_letters.labels(rejected.letter.reason).inc()
        _LOG.warning("dead-lettered %s: %s", rejected.letter.workflow_run_id, rejected.letter.reason)

    def _count_start(self, run: Run, accepted: Accepted) -> None:
        if run.started_at:
            seconds = (run.started_at - run.created_at).total_seconds()
            self.metrics.start_delay.observe(max(0.0, seconds), exemplar(accepted.traceparent))

    def _count_end(self, run: Run, accepted: Accepted) -> None:
        self.metrics.runs.labels(run.workflow_id, run.status).inc()
        if run.started_at and run.completed_at:
            seconds = (run.completed_at - run.started_at).total_seconds()
            self.metrics.duration.labels(run.workflow_id).observe(seconds, exemplar(accepted.traceparent))

    def _report(self, verdict: Accepted | Rejected, error: Exception) -> None:
        part = _part(error)
        self.metrics.retries.labels(part).inc()
        _LOG.warning("run %s waits for %s: %s", verdict.run_id, part, error, exc_info=part == "internal")


def _part(error: Exception) -> str:
    if database.is_outage(error):
        return "postgres"
    if isinstance(error, DeliveryError):
        return "kafka"
    return "another-replica" if isinstance(error, RunBusyError) else "internal"


async def _drained_within(seconds: float, control: RunControl) -> bool:
    until = asyncio.get_running_loop().time() + seconds
    while not control.drain_requested and (left := until - asyncio.get_running_loop().time()) > 0:  # noqa: ASYNC110  # RunControl has no event
        await asyncio.sleep(min(left, 0.1))
    return control.drain_requested
