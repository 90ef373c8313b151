"""The composition root: the parts of the process, in the order in which they start and stop."""

import asyncio
import contextlib
import logging

from tradewind_agents import database
from tradewind_agents.consumer import AgentEventConsumer, ConsumerLimits
from tradewind_agents.dispatcher import Dispatcher
from tradewind_agents.graphs import Graphs
from tradewind_agents.intake import Intake
from tradewind_agents.locks import RunLocks
from tradewind_agents.metrics import Metrics
from tradewind_agents.registry import Registry
from tradewind_agents.run_processor import Destinations, RunProcessor
from tradewind_agents.runs import RunStore
from tradewind_agents.settings import Settings
from tradewind_contracts import topics
from tradewind_service import kafka_clients
from tradewind_service.publisher import KafkaPublisher, PublisherLimits

_LOG = logging.getLogger(__name__)

# A dead letter is a whole record plus the reason.
_LIMITS = PublisherLimits(
    max_in_flight=10_000,
    delivery_timeout_ms=30_000,
    max_message_bytes=topics.DEAD_LETTERS.max_message_bytes,
    linger_ms=1,
    statistics_interval_ms=0,
)
_FLUSH_SECONDS = 5
"""Records that are not acknowledged by then are published again after the restart."""


class AgentsService:
    """The running service; create it inside the event loop. It starts even if Postgres or Kafka is unavailable."""

    def __init__(self, settings: Settings, registry: Registry, metrics: Metrics) -> None:
        self._settings = settings
        self._url = settings.conninfo()
        self._pool = database.pool(self._url, settings.pool_size)
        self._locks = RunLocks(self._url)
        self.store = RunStore(self._pool)
        self.graphs = Graphs(registry, self._pool, settings.recursion_limit, settings.step_timeout_seconds)
        self._kafka = settings.kafka_client()
        self._publisher = KafkaPublisher(self._kafka, [settings.status_topic], _LIMITS)
        self._consumer = self._make_consumer(registry, metrics)
        self._initialisation: asyncio.Task[None] | None = None
        self._draining = False

    async def start(self) -> None:
        """Start in the background; `not_ready` returns what is missing."""
        await self._pool.open(wait=False)
        self._publisher.open()
        self._initialisation = asyncio.create_task(self._initialise())

    async def stop(self) -> None:
        """Drain runs at a superstep, commit, leave the group, close everything."""
        self._draining = True
        if self._initialisation:
            self._initialisation.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._initialisation
        await self._consumer.stop()
        await self._publisher.close(_FLUSH_SECONDS)
        await self._locks.close()
        await self._pool.close()

    def is_alive(self) -> bool:
        """Whether the process can work without a restart."""
        initialising = self._initialisation is not None and not self._initialisation.done()
        return initialising or self._consumer.is_alive or self._draining

    async def not_ready(self) -> str | None:
        """Return why the service is not ready, or None."""
        if self._draining:
            return "draining"
        if self._initialisation is None or not self._initialisation.done():
            return "the tables do not exist yet: Postgres is unavailable"
        if not self._consumer.is_ready(self._settings.stale_poll_seconds):
            return "not a member of the consumer group, or it does not poll"
        return await self._database_fault()

    async def _initialise(self) -> None:
        while not await self._has_tables():  # noqa: ASYNC110  # Postgres sends no event
            await asyncio.sleep(1)
        self._consumer.start()

    async def _has_tables(self) -> bool:
        try:
            await database.setup(self._url)
        except Exception as error:  # noqa: BLE001  # the next attempt may succeed, /readyz reports this one
            _LOG.warning("Postgres is not ready: %s", error, exc_info=not database.is_outage(error))
            return False
        return True

    async def _database_fault(self) -> str | None:
        try:
            async with self._pool.connection(timeout=2) as connection:
                await connection.execute("SELECT 1")
        except database.OUTAGES:
            return "Postgres is unavailable"
        return None

    def _make_consumer(self, registry: Registry, metrics: Metrics) -> AgentEventConsumer:
        settings = self._settings
        intake = Intake(registry, settings.consumer_group)
        destinations = Destinations(settings.status_topic, settings.dead_letters_topic, settings.environment)
        processor = RunProcessor(self._locks, self.store, self.graphs, self._publisher, intake, metrics, destinations)
        own = {
            "session.timeout.ms": settings.session_timeout_ms,
            "heartbeat.interval.ms": settings.session_timeout_ms // 4,
        }
        config = kafka_clients.consumer_config(self._kafka, settings.consumer_group, own)
        dispatcher = Dispatcher(processor.process, settings.concurrency)
        limits = ConsumerLimits(max(settings.backlog, settings.concurrency), settings.drain_seconds)
        return AgentEventConsumer(config, settings.events_topic, intake, dispatcher, metrics, limits)
