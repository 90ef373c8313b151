"""Bytes of records on the broker's disk."""

import re
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Producer

from figures import Figures
from tradewind_contracts.records import Record
from tradewind_contracts.topics import DAY_MS, Topic
from tradewind_local.topics import create_topics

CODECS = ("none", "lz4", "zstd")


def topic_bytes(home: Path, topic: str) -> int:
    """The bytes of a topic's segments below a stack's folder, without their indexes."""
    partition = re.compile(re.escape(topic) + r"-\d+")
    return sum(file.stat().st_size for file in home.rglob("*.log") if partition.fullmatch(file.parent.name))


def compression(bootstrap_servers: str, home: Path, records: Sequence[Record]) -> Figures:
    """Bytes a record: a batch for each, as the facade sends them, and in batches of what comes within 50 ms."""
    figures: Figures = {}
    for codec in CODECS:
        for name, linger in (("single", 0), ("batched", 50)):
            topic = Topic(f"bench-{codec}-{name}", 1, DAY_MS)
            create_topics(bootstrap_servers, [topic])
            _write(bootstrap_servers, topic.name, codec, linger, records)
            figures[f"record_{codec}_{name}_bytes"] = topic_bytes(home, topic.name) / len(records)
    return figures


def _write(bootstrap_servers: str, topic: str, codec: str, linger: int, records: Sequence[Record]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "acks": "all",
            "compression.type": codec,
            "linger.ms": linger,
            **({} if linger else {"batch.num.messages": 1}),
        }
    )
    for record in records:
        producer.produce(topic, record.value, record.key, headers=record.headers)
    if producer.flush(60):
        raise RuntimeError(f"the broker did not take all records of {topic}")
