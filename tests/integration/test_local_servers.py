"""The broker and the database that all other integration tests stand on."""

from pathlib import Path

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from support.servers import new_database, new_topic, temporary_home, unique
from support.topic_records import read_all
from tradewind_contracts.topics import TOPICS
from tradewind_local.errors import PartError
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_local.sockets import LONGEST_FOLDER
from tradewind_local.topics import admin, create_topics


def produce(broker: KafkaBroker, topic: str, count: int) -> list[bytes]:
    """Send `count` records and return those that the broker acknowledged."""
    acknowledged: list[bytes] = []
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "acks": "all", "enable.idempotence": True})
    for number in range(count):
        value = f"record {number}".encode()
        producer.produce(topic, value, on_delivery=lambda _error, message: acknowledged.append(message.value() or b""))
    assert producer.flush(30) == 0
    return acknowledged


def test_the_stacks_topics_have_their_partitions_and_retention(kafka_broker: KafkaBroker) -> None:
    client: AdminClient = admin(kafka_broker.bootstrap_servers)
    known = client.list_topics(timeout=10).topics
    for topic in TOPICS:
        assert len(known[topic.name].partitions) == topic.partitions
        resource = ConfigResource(ResourceType.TOPIC, topic.name)
        config = client.describe_configs([resource])[resource].result(timeout=10)
        assert {key: config[key].value for key in topic.config} == topic.config


def test_making_the_topics_again_changes_nothing(kafka_broker: KafkaBroker) -> None:
    topic = new_topic(kafka_broker)
    produce(kafka_broker, topic, 3)
    create_topics(kafka_broker.bootstrap_servers)
    assert len(read_all(kafka_broker.bootstrap_servers, topic)) == 3


def test_a_topic_nobody_made_does_not_come_into_being(kafka_broker: KafkaBroker) -> None:
    name = unique("nobody_made")
    client = admin(kafka_broker.bootstrap_servers)
    client.list_topics(topic=name, timeout=10)
    assert name not in client.list_topics(timeout=10).topics


def test_a_killed_broker_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        topic = new_topic(broker)
        sent = produce(broker, topic, 500)
        address, first_pid = broker.bootstrap_servers, broker.pid
        broker.kill()
        assert broker.pid is None
        broker.start()
        assert broker.bootstrap_servers == address
        assert broker.pid != first_pid
        assert [record.value() for record in read_all(broker.bootstrap_servers, topic)] == sent


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    broken = KafkaBroker(tmp_path)
    broken.node.prepare()
    (broken.node.data / "records" / "meta.properties").write_text("cluster.id=another\nnode.id=7\nversion=1\n")
    with pytest.raises(PartError, match=r"(?s)kafka died while it started.*Stored node id 7.*kafka\.log"):
        broken.start()


def test_a_killed_database_keeps_what_was_committed() -> None:
    with temporary_home() as home, PostgresServer(home) as server:
        url = new_database(server)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_database_is_made_once(postgres_server: PostgresServer) -> None:
    name = unique("made_once")
    assert postgres_server.ensure_database(name) == postgres_server.ensure_database(name)
    with psycopg.connect(postgres_server.url(name)) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (name,)


def test_a_deep_folder_still_gets_a_socket() -> None:
    with temporary_home() as home, PostgresServer(home / ("d" * LONGEST_FOLDER)) as server:
        with psycopg.connect(server.url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        folder = server.node.socket_folder
        assert home not in folder.parents
    assert not folder.exists()


def test_only_the_owner_can_reach_the_socket(postgres_server: PostgresServer) -> None:
    assert postgres_server.node.socket_folder.stat().st_mode & 0o077 == 0
    assert postgres_server.node.data.stat().st_mode & 0o077 == 0
