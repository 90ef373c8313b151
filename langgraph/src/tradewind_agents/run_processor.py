"""Processes one record, from the decision on it until its offset can be committed."""

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
from tradewind_agents.runs import AgentRun, RunStore
from tradewind_contracts import dead_letters, records
from tradewind_contracts.events import WorkflowStatusChanged
from tradewind_service.backoff import Backoff
from tradewind_service.prometheus_metrics import exemplar
from tradewind_service.publisher import DeliveryError, KafkaPublisher, RecordPosition

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Destinations:
    """Topics that are written to, and the environment that events name."""

    status_topic: str
    dead_letters_topic: str
    environment: str


@dataclass(frozen=True)
class RunProcessor:
    """Executes accepted runs and dead-letters rejected records.

    Effectively once: the row of a run is inserted once and finished once, a redelivered record resumes from the
    checkpoint. A node that was running when the process died runs again. Status events are published at least once.
    """

    locks: RunLocks
    store: RunStore
    graphs: Graphs
    publisher: KafkaPublisher
    intake: Intake
    metrics: Metrics
    destinations: Destinations

    async def process(self, decision: Accepted | Rejected, control: RunControl) -> bool:
        """Return True when the record's effect is durable, False when `control` requested a stop before.

        Failures of the infrastructure (Postgres, Kafka, a bug) are retried without limit: giving up would lose the run.
        """
        backoff, pause = Backoff(0.1), 0.0
        while not await _drained_within(pause, control):
            try:
                await self._attempt(decision, control)
            except GraphDrained:
                return False
            except Exception as error:  # noqa: BLE001  # no error except the graph's own may lose the record
                self._report(decision, error)
                pause = backoff.next()
            else:
                return True
        return False

    async def _attempt(self, decision: Accepted | Rejected, control: RunControl) -> None:
        if isinstance(decision, Rejected):
            await self._dead_letter(decision)
            return
        async with self.locks.hold(decision.run_id):
            await self._process_run(decision, control)

    async def _process_run(self, decision: Accepted, control: RunControl) -> None:
        run, is_new = await self.store.start(decision.trigger)
        if is_new:
            self._count_start(run, decision)
        if not run.is_requested_by(decision.trigger):
            await self._dead_letter(self.intake.conflict(decision))
        elif run.completed_at is not None:
            await self._send(status_events.ended(run, self.destinations.environment), decision.traceparent)
        else:
            await self._run(run, decision, control, is_new=is_new)

    async def _run(self, run: AgentRun, accepted: Accepted, control: RunControl, *, is_new: bool) -> None:
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

    def _count_start(self, run: AgentRun, accepted: Accepted) -> None:
        if run.started_at:
            seconds = (run.started_at - run.created_at).total_seconds()
            self.metrics.start_delay.observe(max(0.0, seconds), exemplar(accepted.traceparent))

    def _count_end(self, run: AgentRun, accepted: Accepted) -> None:
        self.metrics.runs.labels(run.workflow_id, run.status).inc()
        if run.started_at and run.completed_at:
            seconds = (run.completed_at - run.started_at).total_seconds()
            self.metrics.duration.labels(run.workflow_id).observe(seconds, exemplar(accepted.traceparent))

    def _report(self, decision: Accepted | Rejected, error: Exception) -> None:
        part = _part(error)
        self.metrics.retries.labels(part).inc()
        _LOG.warning("run %s is retried, %s failed: %s", decision.run_id, part, error, exc_info=part == "internal")


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
