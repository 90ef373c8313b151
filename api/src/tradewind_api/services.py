"""The composition root: opens the connections and builds the services on them."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from tradewind_api import ledger_records
from tradewind_api.engines import Engines, HttpEngine
from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_reader import LedgerReader, Window
from tradewind_api.metrics import Metrics
from tradewind_api.settings import Settings
from tradewind_api.statuses import LedgerProgress, Statuses
from tradewind_api.triggers import Triggers
from tradewind_api.workflow_lists import WorkflowLists
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.airflow_login import AirflowLogin, BearerAuth
from tradewind_service.publisher import KafkaPublisher, Publisher, PublisherLimits

# Read at start of each topic: more would be of runs that the index has no room for. A run has one trigger, which may be
# repeated or followed by commands, and two statuses or more.
_RECORDS_PER_RUN = 2

_POOL = httpx.Limits(max_connections=50, max_keepalive_connections=20)


@dataclass(frozen=True)
class Connections:
    """The connections of the process: Kafka in both directions, and the engines."""

    publisher: Publisher
    progress: LedgerProgress
    engines: Engines


Connect = Callable[[Settings, LedgerIndex, Metrics], AbstractAsyncContextManager[Connections]]


@dataclass(frozen=True)
class Services:
    """What the routes call."""

    connections: Connections
    triggers: Triggers
    statuses: Statuses
    workflow_lists: WorkflowLists
    waiting: asyncio.Semaphore


@asynccontextmanager
async def connect(settings: Settings, index: LedgerIndex, metrics: Metrics) -> AsyncIterator[Connections]:
    """Open the connections; at exit deliver what is in flight and close them."""
    publisher = KafkaPublisher(
        settings.kafka_client(),
        [settings.events_topic],
        PublisherLimits(settings.kafka_max_in_flight, settings.kafka_delivery_timeout_ms),
    )
    feeds = {
        settings.events_topic: ledger_records.feed_event,
        settings.status_topic: ledger_records.feed_status,
        settings.dead_letters_topic: ledger_records.feed_dead_letter,
    }
    reader = LedgerReader(
        settings.kafka_client(),
        feeds,
        index,
        Window(timedelta(hours=settings.ledger_window_hours), _RECORDS_PER_RUN * settings.ledger_max_runs),
        refresh_seconds=settings.ledger_look_around_seconds,
    )
    async with contextlib.AsyncExitStack() as stack:
        engines = await _engines(stack, settings, metrics)
        publisher.open()
        stack.push_async_callback(publisher.close)
        reader.open()
        stack.push_async_callback(reader.close)
        yield Connections(publisher, reader, engines)


async def _engines(stack: contextlib.AsyncExitStack, settings: Settings, metrics: Metrics) -> Engines:
    airflow_url = str(settings.airflow_base_url).rstrip("/")
    airflow_auth = AirflowLogin(airflow_url, settings.airflow_username, settings.airflow_password)
    endpoints: dict[WorkflowType, tuple[str, httpx.Auth]] = {
        WorkflowType.AIRFLOW: (f"{airflow_url}/tradewind/", airflow_auth),
        WorkflowType.LANGGRAPH: (str(settings.langgraph_base_url), BearerAuth(settings.langgraph_token)),
    }
    verify = ssl.create_default_context()
    engines: dict[WorkflowType, HttpEngine] = {}
    for name, (base_url, auth) in endpoints.items():
        client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            verify=verify,
            limits=_POOL,
            timeout=settings.engine_timeout_seconds,
            # The engines are internal: a proxy from the environment is not for them.
            trust_env=False,
        )
        await stack.enter_async_context(client)
        engines[name] = HttpEngine(name, client, metrics, settings.engine_timeout_seconds)
    return engines


@asynccontextmanager
async def serve(settings: Settings, metrics: Metrics, connect: Connect) -> AsyncIterator[Services]:
    """Yield the running services; stop them at exit."""
    index = LedgerIndex(settings.events_topic, max_runs=settings.ledger_max_runs, max_bytes=settings.ledger_max_bytes)
    async with connect(settings, index, metrics) as connections:
        workflow_lists = WorkflowLists(connections.engines, settings.catalogue_ttl_seconds)
        reloading = asyncio.create_task(workflow_lists.keep_current())
        _gauges(metrics, connections, index)
        try:
            yield Services(
                connections=connections,
                triggers=Triggers(connections.publisher, index, workflow_lists, metrics, settings),
                statuses=Statuses(connections.engines, index, connections.progress),
                workflow_lists=workflow_lists,
                waiting=asyncio.Semaphore(settings.max_waiting),
            )
        finally:
            reloading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reloading


def _gauges(metrics: Metrics, connections: Connections, index: LedgerIndex) -> None:
    publisher, progress = connections.publisher, connections.progress
    metrics.gauge("tradewind_deliveries_in_flight", "Events not yet acknowledged", lambda: publisher.in_flight)
    metrics.gauge("tradewind_kafka_connected", "Whether a broker is connected", lambda: publisher.connected)
    metrics.gauge("tradewind_ledger_runs", "Runs in the ledger index", lambda: len(index))
    metrics.gauge("tradewind_ledger_lag_records", "Records of the topics not read yet", lambda: progress.lag)
    metrics.gauge("tradewind_ledger_caught_up", "Whether the topics were read once", lambda: progress.caught_up)
