"""What a Kafka cluster says of itself, asked of its administration: one reading."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # missing in its list of names alone

LOG = logging.getLogger(__name__)
UNCOMMITTED = -1

Place = tuple[str, int]
"""Topic and partition."""


@dataclass(frozen=True)
class Partition:
    """Brokers by id: the leader (None while there is none), the replicas, and those in sync."""

    leader: int | None
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """A consumer group. `committed`: the next offset to be read; UNCOMMITTED where there is none."""

    members: int
    committed: Mapping[Place, int]


@dataclass(frozen=True)
class Reading:
    """The cluster at one moment; offsets are those of the next record (latest) and the first one kept (oldest)."""

    brokers: Mapping[int, str] = field(default_factory=dict)
    partitions: Mapping[Place, Partition] = field(default_factory=dict)
    latest: Mapping[Place, int] = field(default_factory=dict)
    oldest: Mapping[Place, int] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)


def read(client: AdminClient, timeout: float) -> Reading:
    """Ask the cluster. Raises KafkaException when no broker answers within `timeout` seconds."""
    metadata = client.list_topics(timeout=timeout)
    partitions = {
        (name, number): Partition(
            leader=partition.leader if partition.leader >= 0 else None,
            replicas=tuple(partition.replicas),
            in_sync=tuple(partition.isrs),
        )
        for name, topic in metadata.topics.items()
        for number, partition in topic.partitions.items()
    }
    led = [place for place, partition in partitions.items() if partition.leader is not None]
    return Reading(
        brokers={broker.id: f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()},
        partitions=partitions,
        latest=_offsets(client, led, OffsetSpec.latest(), timeout),  # type: ignore[no-untyped-call]  # without types
        oldest=_offsets(client, led, OffsetSpec.earliest(), timeout),  # type: ignore[no-untyped-call]  # without types
        groups=_groups(client, timeout),
    )


def _offsets(client: AdminClient, places: list[Place], spec: OffsetSpec, timeout: float) -> dict[Place, int]:
    if not places:
        return {}
    asked = {TopicPartition(*place): spec for place in places}
    futures = client.list_offsets(asked, request_timeout=timeout)
    found: dict[Place, int] = {}
    for partition, future in futures.items():
        try:
            answer = future.result()
        except KafkaException as error:
            # Its leader moves: it has no offset at this moment, and the others have theirs.
            LOG.warning("no offset of %s-%d: %s", partition.topic, partition.partition, error)
            continue
        found[partition.topic, partition.partition] = answer.offset
    return found


def _groups(client: AdminClient, timeout: float) -> dict[str, Group]:
    names = [group.group_id for group in client.list_consumer_groups(request_timeout=timeout).result().valid]
    if not names:
        return {}
    described = client.describe_consumer_groups(names, request_timeout=timeout)
    return {name: Group(len(described[name].result().members), _committed(client, name, timeout)) for name in names}


def _committed(client: AdminClient, group: str, timeout: float) -> dict[Place, int]:
    asked = [ConsumerGroupTopicPartitions(group)]
    answer = client.list_consumer_group_offsets(asked, request_timeout=timeout)[group].result()
    return {(part.topic, part.partition): max(part.offset, UNCOMMITTED) for part in answer.topic_partitions or ()}
