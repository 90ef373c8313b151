"""No producer is configured without the one partitioner: neither in our code nor in an example of the docs."""

import re
from pathlib import Path

from tradewind_service.kafka_clients import PARTITIONER, producer_config

ROOT = Path(__file__).parents[2]
SOURCES = ("service/src", "api/src", "langgraph/src", "airflow/plugins", "airflow/dags", "local/src")
PRODUCER = re.compile(r"\bProducer\(")


def with_a_producer(paths: list[Path]) -> list[Path]:
    return [path for path in paths if PRODUCER.search(path.read_text())]


def test_every_producer_is_configured_in_one_place() -> None:
    found = with_a_producer([path for source in SOURCES for path in (ROOT / source).rglob("*.py")])
    assert len(found) >= 4
    assert [path for path in found if "producer_config" not in path.read_text()] == []


def test_a_connection_cannot_choose_another_partitioner() -> None:
    config = producer_config({"partitioner": "consistent", "acks": "1"}, {"partitioner": "random"})
    assert (config["partitioner"], config["acks"]) == (PARTITIONER, "all")


def test_the_docs_examples_name_it() -> None:
    found = with_a_producer([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
    assert found
    for path in found:
        text = path.read_text()
        assert len(PRODUCER.findall(text)) <= text.count(f'"partitioner": "{PARTITIONER}"'), path
