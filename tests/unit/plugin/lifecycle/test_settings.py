import logging

import pytest
from confluent_kafka import Consumer, Producer

from tradewind_airflow.lifecycle.settings import LifecycleSettings, producer_config, reader_config
from tradewind_contracts.topics import WORKFLOW_STATUS

CONNECTION = {"bootstrap.servers": "localhost:9092", "group.id": "theirs", "acks": "0", "enable.auto.commit": True}


def test_order_and_acknowledgement_override_the_connection(capfd: pytest.CaptureFixture[str]) -> None:
    config = producer_config(CONNECTION)
    forced = {"acks": "all", "enable.idempotence": True, "message.timeout.ms": 0}
    assert {key: config[key] for key in forced} == forced
    Producer(config, logger=logging.getLogger("test")).flush(0)
    reader = reader_config(CONNECTION)
    assert reader["enable.auto.commit"] is False
    assert reader["group.id"] != "theirs"
    Consumer(reader, logger=logging.getLogger("test")).close()
    # librdkafka warns about each option that does not apply to a client.
    assert "CONFWARN" not in capfd.readouterr().err


def test_the_default_look_back_is_the_topics_retention() -> None:
    assert LifecycleSettings().look_back * 1000 == WORKFLOW_STATUS.retention_ms


@pytest.mark.parametrize(
    ("include", "exclude", "dag_id", "expected"),
    [
        ("*", "", "any", True),
        ("*", "an*", "any", False),
        ("a, b", "", "b", True),
        ("a, b", "", "B", False),
        ("a*", "*_test", "a_test", False),
        ("", "", "any", False),
    ],
)
def test_patterns_select_dags(include: str, exclude: str, dag_id: str, expected: bool) -> None:  # a case
    assert LifecycleSettings(include=include, exclude=exclude).includes(dag_id) is expected
