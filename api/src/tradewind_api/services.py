"""The composition root: what talks to the outside is opened here, and what decides is built on it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from tradewind_api import ledger_records
from tradewind_api.catalogue import Catalogue
from tradewind_api.engine_auth import AirflowAuth, BearerAuth
from tradewind_api.engines import Engines, HttpEngine
from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_reader import LedgerReader
from tradewind_api.metrics import Metrics
from tradewind_api.publisher import KafkaPublisher, Publisher
from tradewind_api.settings import Settings
from tradewind_api.statuses import LedgerProgress, Statuses
from tradewind_api.triggers import Triggers
from tradewind_contracts.workflows import WorkflowType

_POOL = httpx.Limits(max_connections=50, max_keepalive_connections=20)


@dataclass(frozen=True)
class Connections:
    """What talks to the outside: Kafka in both directions, and the engines."""

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
    catalogue: Catalogue
    waiting: asyncio.Semaphore


@asynccontextmanager
async def connect(settings: Settings, index: LedgerIndex, metrics: Metrics) -> AsyncIterator[Connections]:
    """Open the connections; on leaving, deliver what is in flight and close them."""
    publisher = KafkaPublisher(
        settings.kafka_client(),
        settings.events_topic,
        max_in_flight=settings.kafka_max_in_flight,
        delivery_timeout_ms=settings.kafka_delivery_timeout_ms,
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
        timedelta(hours=settings.ledger_window_hours),
        look_around_seconds=settings.ledger_look_around_seconds,
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
    airflow_auth = AirflowAuth(airflow_url, settings.airflow_username, settings.airflow_password)
    doors: dict[WorkflowType, tuple[str, httpx.Auth]] = {
        WorkflowType.AIRFLOW: (f"{airflow_url}/tradewind/", airflow_auth),
        WorkflowType.LANGGRAPH: (str(settings.langgraph_base_url), BearerAuth(settings.langgraph_token)),
    }
    verify = ssl.create_default_context()
    engines: dict[WorkflowType, HttpEngine] = {}
    for name, (base_url, auth) in doors.items():
        client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            verify=verify,
            limits=_POOL,
            timeout=settings.engine_timeout_seconds,
            # Engines are our own: a proxy of the environment is for the outside.
            trust_env=False,
        )
        await stack.enter_async_context(client)
        engines[name] = HttpEngine(name, client, metrics, settings.engine_timeout_seconds)
    return engines


@asynccontextmanager
async def serve(settings: Settings, metrics: Metrics, connect: Connect) -> AsyncIterator[Services]:
    """Yield the services, running; on leaving, stop them."""
    index = LedgerIndex(settings.events_topic, max_runs=settings.ledger_max_runs, max_bytes=settings.ledger_max_bytes)
    async with connect(settings, index, metrics) as connections:
        catalogue = Catalogue(connections.engines, settings.catalogue_ttl_seconds)
        keeping = asyncio.create_task(catalogue.keep_current())
        _gauges(metrics, connections, index)
        try:
            yield Services(
                connections=connections,
                triggers=Triggers(connections.publisher, index, catalogue, metrics, settings.environment),
                statuses=Statuses(connections.engines, index, connections.progress),
                catalogue=catalogue,
                waiting=asyncio.Semaphore(settings.max_waiting),
            )
        finally:
            keeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeping


def _gauges(metrics: Metrics, connections: Connections, index: LedgerIndex) -> None:
    publisher, progress = connections.publisher, connections.progress
    metrics.gauge("tradewind_deliveries_in_flight", "Events not yet acknowledged", lambda: publisher.in_flight)
    metrics.gauge("tradewind_kafka_connected", "Whether a broker is connected", lambda: publisher.connected)
    metrics.gauge("tradewind_ledger_runs", "Runs in the ledger index", lambda: len(index))
    metrics.gauge("tradewind_ledger_lag_records", "Records of the topics not read yet", lambda: progress.lag)
    metrics.gauge("tradewind_ledger_caught_up", "Whether the topics were read once", lambda: progress.caught_up)
