"""The dead-letter topic's producer. Delivery: at least once; `DeadLetter.id` tells repeats."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tradewind_airflow.ingestion.decisions import DeadLettered
from tradewind_airflow.ingestion.settings import IngestionSettings, producer_config
from tradewind_contracts import dead_letters
from tradewind_contracts.dead_letters import DeadLetter
from tradewind_service.dead_letter_records import RunReference, dead_letter
from tradewind_service.received_records import ReceivedRecord

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 30.0


def letter(record: ReceivedRecord, end: DeadLettered, group: str) -> DeadLetter:
    """Return the dead letter of a record."""
    item = end.item
    run = RunReference(item.workflow_run_id, item.workflow_id, item.workflow_type) if item else None
    return dead_letter(record, group, end.reason, end.detail, errors=end.errors, run=run)


class DeadLetterWriter:
    """Writes dead letters; its producer is made for the first one."""

    def __init__(self, connection: Mapping[str, Any], settings: IngestionSettings) -> None:
        self._config = producer_config(connection)
        self._settings = settings
        self._producer: Producer | None = None

    def write(self, dead: Sequence[tuple[ReceivedRecord, DeadLettered]]) -> None:
        """Return when the broker has acknowledged all of them (`acks=all`); raise `KafkaException`."""
        failures: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error:
                failures.append(error)

        producer = self._producer = self._producer or Producer(self._config, logger=logger)
        for record, end in dead:
            headers = dead_letters.headers(letter(record, end, self._settings.group_id), record.headers)
            topic = self._settings.dead_letter_topic
            producer.produce(topic, record.value, record.key, headers=headers, on_delivery=delivered)
        if producer.flush(FLUSH_SECONDS) or failures:
            # What is still queued in it must not come after the next attempt.
            producer.purge()
            self._producer = None
            raise KafkaException(failures[0] if failures else KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001  # librdkafka's own codes are named so
