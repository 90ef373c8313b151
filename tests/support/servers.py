"""A real broker and a real database for integration tests, and names that no other test uses."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tradewind_contracts.topics import TOPICS, Topic
from tradewind_local.kafka import KafkaBroker
from tradewind_local.postgres import PostgresServer
from tradewind_local.topics import create_topics

DAY_MS = 24 * 60 * 60 * 1000


@contextmanager
def temporary_home(prefix: str = "tradewind-test-") -> Iterator[Path]:
    """A folder for a server's data, removed afterwards.

    Not pytest's `tmp_path`: each pytest session closes that tree to others, and as root PostgreSQL is another user.
    """
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def unique(prefix: str) -> str:
    """A name for a topic, a consumer group or a database that no other test uses."""
    return f"{prefix}_{uuid.uuid4().hex[:10]}"


def new_topic(broker: KafkaBroker, prefix: str = "topic", partitions: int = 1) -> str:
    """The name of a new topic with leaders for all its partitions."""
    topic = Topic(unique(prefix), partitions, DAY_MS)
    create_topics(broker.bootstrap_servers, [topic])
    return topic.name


def new_database(server: PostgresServer, prefix: str = "db") -> str:
    """The URL (libpq's form) of a new, empty database."""
    return server.ensure_database(unique(prefix))


@dataclass(frozen=True)
class TopicSet:
    """Own copies of the stack's three topics, with the same partitions and retention."""

    events: str
    status: str
    dead_letters: str


def new_topic_set(broker: KafkaBroker) -> TopicSet:
    """Make own copies of the three topics, for tests that must not see each other's records."""
    suffix = uuid.uuid4().hex[:10]
    copies = [
        Topic(f"{topic.name}.{suffix}", topic.partitions, topic.retention_ms, topic.max_message_bytes)
        for topic in TOPICS
    ]
    create_topics(broker.bootstrap_servers, copies)
    return TopicSet(*(topic.name for topic in copies))
