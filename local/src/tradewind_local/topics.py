"""What the stack asks of a broker: does it answer, and are the topics there."""

import logging
import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

import tradewind_api.topics
from tradewind_contracts.topics import TOPICS, Topic
from tradewind_local.errors import PartError
from tradewind_local.ports import is_listening

# A broker that is not up yet is no news: the caller says so when its time is over.
_SILENT = logging.getLogger("tradewind_local.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


def admin(bootstrap_servers: str) -> AdminClient:
    """A client for the broker's administration that does not log lost connections."""
    return AdminClient({"bootstrap.servers": bootstrap_servers}, logger=_SILENT)


def answers(bootstrap_servers: str, timeout: float = 2) -> bool:
    """Whether a broker answers a metadata request within `timeout` seconds."""
    host, _, port = bootstrap_servers.split(",", maxsplit=1)[0].rpartition(":")
    if not is_listening(int(port), host):
        return False
    try:
        admin(bootstrap_servers).list_topics(timeout=timeout)
    except KafkaException:
        return False
    return True


def create_topics(bootstrap_servers: str, topics: Iterable[Topic] = TOPICS, timeout: float = 30) -> None:
    """Make the topics that do not exist, as `python -m tradewind_api.topics` does.

    Raises PartError when it does not work within `timeout` seconds.
    """
    try:
        tradewind_api.topics.create_topics({"bootstrap.servers": bootstrap_servers}, topics, timeout)
    except tradewind_api.topics.TopicsError as error:
        raise PartError(str(error)) from error


def warm_groups(bootstrap_servers: str, group: str, timeout: float = 30) -> None:
    """Ask for `group`'s offsets once, so that the broker has its offsets topic before the first consumer joins.

    A consumer asks, not an admin client: that one answers from a thread of its own, which crashes the process when the
    client is dropped right after its answer (seen with confluent-kafka 2.16.1).
    Raises PartError when that does not work within `timeout` seconds.
    """
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": group}, logger=_SILENT)
    deadline = time.monotonic() + timeout
    try:
        while not _has_offsets(consumer):
            if time.monotonic() > deadline:
                raise PartError(f"the broker at {bootstrap_servers} keeps no offsets after {timeout:.0f} s")
            time.sleep(0.1)
    finally:
        consumer.close()


def _has_offsets(consumer: Consumer) -> bool:
    try:
        consumer.committed([TopicPartition(TOPICS[0].name, 0)], timeout=30)
    except KafkaException as error:
        cause: KafkaError = error.args[0]
        # On a new broker the coordinator may move while the offsets topic is being made.
        if not cause.retriable() and cause.code() != KafkaError.NOT_COORDINATOR:
            raise
        return False
    return True
