"""The ingestion's thread, and what it opens."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from airflow.sdk.bases.hook import BaseHook
from confluent_kafka import Consumer, KafkaError

from tradewind_airflow.ingestion.consumer import EventConsumer
from tradewind_airflow.ingestion.dead_letters import DeadLetterWriter
from tradewind_airflow.ingestion.plugin_client import PluginClient
from tradewind_airflow.ingestion.settings import IngestionSettings, consumer_config
from tradewind_airflow.ingestion.settlement import Settlement
from tradewind_airflow.triggerer.kafka import connection_config
from tradewind_airflow.triggerer.worker import Worker

logger = logging.getLogger(__name__)


class IngestionWorker(Worker):
    """Runs the consumer. Stopped, it leaves its group."""

    def __init__(self, settings: IngestionSettings, on_end: Callable[[BaseException | None], None]) -> None:
        super().__init__("ingestion", on_end)
        self._settings = settings

    @contextmanager
    def _opened(self) -> Iterator[EventConsumer]:
        # Read anew each time: a connection that was mended is used at the next attempt.
        kafka = connection_config(self._settings.kafka_conn_id)
        config = {"error_cb": _on_error, **consumer_config(kafka, self._settings)}
        airflow = BaseHook.get_connection(self._settings.airflow_conn_id)
        with closing(PluginClient(airflow)) as plugin, closing(Consumer(config, logger=logger)) as consumer:
            plugin.warm_up()
            letters = DeadLetterWriter(kafka, self._settings)
            settlement = Settlement(plugin, letters, self._settings.unavailable_patience, time.monotonic)
            yield EventConsumer(consumer, settlement, self._settings.topic)


def _on_error(error: KafkaError) -> None:
    logger.warning("Kafka: %s. The client goes on trying", error)
