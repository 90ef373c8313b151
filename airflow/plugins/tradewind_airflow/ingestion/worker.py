"""The ingestion's thread, and what it opens."""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from airflow.sdk.bases.hook import BaseHook
from confluent_kafka import Consumer, KafkaError

from tradewind_airflow.ingestion.background import BackgroundThread
from tradewind_airflow.ingestion.consumer import EventConsumer
from tradewind_airflow.ingestion.dead_letters import DeadLetterWriter
from tradewind_airflow.ingestion.plugin_client import PluginClient
from tradewind_airflow.ingestion.record_processor import Processed, RecordProcessor
from tradewind_airflow.ingestion.settings import IngestionSettings, consumer_config
from tradewind_airflow.triggerer.kafka import connection_config
from tradewind_airflow.triggerer.worker import Worker

logger = logging.getLogger(__name__)

REPORT_AGAIN = 60.0
"""Seconds after which the log has another line about an error that lasts."""


class IngestionWorker(Worker):
    """Runs the consumer. Stopped, it leaves its group."""

    def __init__(self, settings: IngestionSettings, on_end: Callable[[BaseException | None], None]) -> None:
        super().__init__("ingestion", on_end)
        self._settings = settings

    @contextmanager
    def _opened(self) -> Iterator[EventConsumer]:
        # Read anew each time: a connection that was corrected is used at the next attempt.
        kafka = connection_config(self._settings.kafka_conn_id)
        config = {"error_cb": ClientErrors().report, **consumer_config(kafka, self._settings)}
        airflow = BaseHook.get_connection(self._settings.airflow_conn_id)
        background: BackgroundThread[Processed] = BackgroundThread("tradewind-ingestion-calls")
        with (
            closing(PluginClient(airflow)) as plugin,
            closing(background),
            closing(Consumer(config, logger=logger)) as consumer,
        ):
            plugin.warm_up()
            letters = DeadLetterWriter(kafka, self._settings)
            processor = RecordProcessor(plugin, letters, self._settings.unavailable_patience, time.monotonic)
            yield EventConsumer(
                consumer,
                lambda entries: background.submit(partial(processor.process, entries)),
                self._settings.topic,
            )


class ClientErrors:
    """Logs the client's errors: each kind at once, and once a minute while it lasts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._reported: dict[int, float] = {}

    def report(self, error: KafkaError) -> None:
        """Warn, unless the last minute's log has it."""
        now, code = self._clock(), error.code()
        if now - self._reported.get(code, -math.inf) >= REPORT_AGAIN:
            self._reported[code] = now
            logger.warning("Kafka: %s. The client goes on trying", error)
