"""The records that a topic holds."""

import time
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from support.servers import unique


def read_all(bootstrap_servers: str, topic: str) -> list[Any]:
    """All records of a topic so far, partition by partition."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": unique("reader")})
    try:
        partitions = [
            TopicPartition(topic, number, 0) for number in consumer.list_topics(topic).topics[topic].partitions
        ]
        left = sum(end_offset(consumer, partition) for partition in partitions)
        consumer.assign(partitions)
        found: list[Any] = []
        while len(found) < left:
            message = consumer.poll(10)
            assert message is not None, f"only {len(found)} of {left} records of {topic} came"
            assert message.error() is None
            found.append(message)
        return sorted(found, key=lambda message: (message.partition(), message.offset()))
    finally:
        consumer.close()


def end_offset(consumer: Consumer, partition: TopicPartition, seconds: float = 30) -> int:
    """The offset behind the partition's last record. A busy broker answers "not leader" for a while after its start."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return int(consumer.get_watermark_offsets(partition, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
