"""How often the ingestion's log reports a broker that is away."""

import logging

import pytest
from confluent_kafka import Consumer, KafkaError

from tradewind_airflow.ingestion.settings import IngestionSettings, consumer_config
from tradewind_airflow.ingestion.worker import REPORT_AGAIN, ClientErrors


class Clock:
    """Shows the time that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_kind_of_error_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    errors = ClientErrors(clock)
    with caplog.at_level(logging.WARNING):
        for clock.now in (0, 0.25, REPORT_AGAIN - 1, REPORT_AGAIN, REPORT_AGAIN + 0.25):
            errors.report(KafkaError(KafkaError._RESOLVE))
        errors.report(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert ["_RESOLVE" in line for line in caplog.messages] == [True, True, False]


def test_an_outage_of_seconds_is_a_line_for_each_kind(caplog: pytest.LogCaptureFixture) -> None:
    """A real client, whose broker's name does not resolve: as in Compose, while the broker's container is down."""
    connection = {"bootstrap.servers": "no-such-broker.invalid:9092"}
    config = {"error_cb": ClientErrors().report, **consumer_config(connection, IngestionSettings())}
    consumer = Consumer(config, logger=logging.getLogger("tradewind_airflow.ingestion.worker"))
    with caplog.at_level(logging.DEBUG):
        consumer.subscribe(["workflow-events"])
        for _ in range(12):
            consumer.poll(0.25)
    consumer.close()
    assert 1 <= len(caplog.messages) <= 2, caplog.messages
