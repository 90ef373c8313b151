"""The ingestion's thread: it opens what it needs, and opens it anew after any failure."""

import contextvars
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook
from airflow.sdk.bases.hook import BaseHook
from confluent_kafka import Consumer, KafkaError

from tradewind_airflow.ingestion.backoff import Backoff
from tradewind_airflow.ingestion.consumer import EventConsumer
from tradewind_airflow.ingestion.dead_letters import DeadLetterWriter
from tradewind_airflow.ingestion.plugin_client import LoginError, PluginClient
from tradewind_airflow.ingestion.settings import ConfigurationError, IngestionSettings, consumer_config
from tradewind_airflow.ingestion.settlement import Settlement

logger = logging.getLogger(__name__)

LONG_LIFE = 60.0
"""Seconds after which a failure is a new one, and not the last one again."""


class KafkaConfigHook(KafkaBaseHook):
    """The provider's hook, asked for the configuration that it would make a client of.

    So its checks, its callbacks' allow-list and its tokens for managed Kafka hold for us too.
    """

    def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
        return dict(config)


class IngestionWorker:
    """Runs the consumer on a thread of its own until it is stopped.

    `on_end` is called on that thread, once, with the error that ended it, or None after `stop`. Only a
    `ConfigurationError` ends it by itself; everything else is logged and tried again.
    """

    def __init__(self, settings: IngestionSettings, on_end: Callable[[BaseException | None], None]) -> None:
        self._settings = settings
        self._on_end = on_end
        self._stop = threading.Event()
        # The context tells Airflow whose log the lines belong to.
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._main,), name="tradewind-ingestion", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to leave the group and end; it takes as long as the call it is in."""
        self._stop.set()

    def _main(self) -> None:
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001  # told to whoever waits for the thread
            self._on_end(error)
        else:
            self._on_end(None)

    def _run(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            started = time.monotonic()
            try:
                with self._opened() as consumer:
                    consumer.run(self._stop)
            except ConfigurationError:
                raise
            except LoginError as error:
                logger.error("%s. Nothing is lost", error)  # noqa: TRY400  # the message says it all
            except Exception:
                logger.exception("the ingestion failed. Nothing is lost")
            if time.monotonic() - started > LONG_LIFE:
                backoff.reset()
            self._stop.wait(backoff.next())

    @contextmanager
    def _opened(self) -> Iterator[EventConsumer]:
        # Read anew each time: a connection that was mended is used at the next attempt.
        kafka = KafkaConfigHook(self._settings.kafka_conn_id).get_conn  # type: ignore[no-untyped-call]  # published so
        config = {"error_cb": _on_error, **consumer_config(kafka, self._settings)}
        airflow = BaseHook.get_connection(self._settings.airflow_conn_id)
        with closing(PluginClient(airflow)) as plugin, closing(Consumer(config, logger=logger)) as consumer:
            plugin.warm_up()
            letters = DeadLetterWriter(kafka, self._settings)
            settlement = Settlement(plugin, letters, self._settings.unavailable_patience, time.monotonic)
            yield EventConsumer(consumer, settlement, self._settings.topic)


def _on_error(error: KafkaError) -> None:
    logger.warning("Kafka: %s. The client goes on trying", error)
