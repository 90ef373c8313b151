import logging
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from tradewind_airflow.ingestion.settings import (
    IngestionSettings,
    consumer_config,
    producer_config,
)
from tradewind_airflow.triggerer.errors import ConfigurationError

SETTINGS = IngestionSettings()
CONNECTION: dict[str, Any] = {
    "bootstrap.servers": "localhost:9092",
    "security.protocol": "PLAINTEXT",
    "group.id": "somebody-elses",
    "auto.offset.reset": "latest",
    "session.timeout.ms": 45000,
    "fetch.min.bytes": 1,
    "queued.min.messages": 10,
}


def test_what_exactly_once_needs_is_not_the_connections_to_say() -> None:
    config = consumer_config(CONNECTION, SETTINGS)
    forced = {
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "group.id": "tradewind-airflow",
        "session.timeout.ms": 6000,
    }
    assert {key: config[key] for key in forced} == forced
    assert config["fetch.min.bytes"] == 1
    Consumer(config, logger=logging.getLogger("test")).close()


@pytest.mark.parametrize("value", [True, "true", "True", 1, "1", "yes"])
def test_a_connection_that_asks_for_automatic_commits_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"'tradewind_kafka' sets enable\.auto\.commit"):
        consumer_config({**CONNECTION, "enable.auto.commit": value}, SETTINGS)


@pytest.mark.parametrize("value", [False, "false", "False", 0, "0"])
def test_a_connection_that_says_no_to_them_is_taken(value: object) -> None:
    assert consumer_config({**CONNECTION, "enable.auto.commit": value}, SETTINGS)["enable.auto.commit"] is False


def test_the_producer_gets_what_is_for_producers(capfd: pytest.CaptureFixture[str]) -> None:
    config = producer_config(CONNECTION)
    assert config["bootstrap.servers"] == "localhost:9092"
    assert config["acks"] == "all"
    assert config["enable.idempotence"] is True
    Producer(config).flush(0)
    # librdkafka warns about each option that a producer has no use for.
    assert "CONFWARN" not in capfd.readouterr().err
