"""`python -m tradewind_local.monitoring.kafka_exporter`: a Kafka cluster's metrics for Prometheus.

Stands in for danielqsj/kafka_exporter, which no registry has as a package: the same names, labels and meanings (its
kafka_exporter.go), so that rules and dashboards are proven with what they meet elsewhere. One difference: partitions
without a commit do not count in `current_offset_sum`, where the other adds -1 for each.
"""

import argparse
import logging
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from tradewind_local.monitoring.kafka_reading import UNCOMMITTED, Group, Place, Reading, read
from tradewind_local.ports import LOOPBACK
from tradewind_local.topics import admin

LOG = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5

Labels = tuple[str, ...]


class KafkaCollector(Collector):
    """Reads the cluster at each scrape, by the client that `connect` makes; two scrapes come one after the other."""

    def __init__(self, connect: Callable[[], AdminClient], timeout: float = TIMEOUT_SECONDS) -> None:
        self._connect, self._timeout = connect, timeout
        self._client: AdminClient | None = None
        self._one_at_a_time = threading.Lock()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """All metrics; `kafka_brokers` 0 alone when no broker answers."""
        with self._one_at_a_time:
            try:
                self._client = self._client or self._connect()
                reading = read(self._client, self._timeout)
            except KafkaException as error:
                LOG.warning("no broker answers: %s", error)
                # librdkafka 2.16 never again finds the coordinators of a broker that was started again: the next scrape
                # asks by a new client.
                self._client, reading = None, Reading()
        return families(reading)


def families(reading: Reading) -> list[GaugeMetricFamily]:
    """The metrics of one reading."""
    return [*_of_brokers(reading), *_of_partitions(reading), *_of_groups(reading)]


def _family(name: str, text: str, labels: Labels, rows: Mapping[Labels, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"kafka_{name}", text, labels=labels)
    for values, value in rows.items():
        family.add_metric(values, value)
    return family


def _of_brokers(reading: Reading) -> Iterator[GaugeMetricFamily]:
    known: dict[Labels, int] = {(str(number), address): 1 for number, address in reading.brokers.items()}
    yield _family("brokers", "Number of brokers in the cluster", (), {(): len(known)})
    yield _family("broker_info", "Information about a broker", ("id", "address"), known)


def _of_partitions(reading: Reading) -> Iterator[GaugeMetricFamily]:
    counts = Counter[Labels]((topic,) for topic, _ in reading.partitions)
    yield _family("topic_partitions", "Number of partitions of a topic", ("topic",), counts)
    parts = reading.partitions
    columns: dict[str, tuple[str, dict[Place, int]]] = {
        "current_offset": ("Offset of the next record", dict(reading.latest)),
        "oldest_offset": ("Offset of the first record that is kept", dict(reading.oldest)),
        "leader": (
            "Broker id of the leader; no series without one",
            {place: part.leader for place, part in parts.items() if part.leader is not None},
        ),
        "replicas": ("Number of replicas", {place: len(part.replicas) for place, part in parts.items()}),
        "in_sync_replica": ("Number of replicas in sync", {place: len(part.in_sync) for place, part in parts.items()}),
        "leader_is_preferred": (
            "1 if the leader is the preferred broker",
            {place: int(part.leader in part.replicas[:1]) for place, part in parts.items()},
        ),
        "under_replicated_partition": (
            "1 if a replica is out of sync",
            {place: int(len(part.in_sync) < len(part.replicas)) for place, part in parts.items()},
        ),
    }
    for name, (text, values) in columns.items():
        rows: dict[Labels, int] = {(topic, str(number)): value for (topic, number), value in values.items()}
        yield _family(f"topic_partition_{name}", text, ("topic", "partition"), rows)


def _of_groups(reading: Reading) -> Iterator[GaugeMetricFamily]:
    by_topic, by_place = ("consumergroup", "topic"), ("consumergroup", "topic", "partition")
    members: dict[Labels, int] = {(name,): group.members for name, group in reading.groups.items()}
    offsets: dict[Labels, int] = {
        (name, topic, str(number)): offset
        for name, group in reading.groups.items()
        for (topic, number), offset in group.committed.items()
        if topic in _consumed(group)
    }
    lags: dict[Labels, int] = {
        (name, topic, number): _lag(offset, reading.latest[topic, int(number)])
        for (name, topic, number), offset in offsets.items()
        if (topic, int(number)) in reading.latest
    }
    yield _family("consumergroup_members", "Number of members", ("consumergroup",), members)
    yield _family("consumergroup_current_offset", "Committed offset; -1: none", by_place, offsets)
    yield _family(
        "consumergroup_current_offset_sum", "Committed offsets of a topic, added up", by_topic, _sums(offsets)
    )
    yield _family("consumergroup_lag", "Records not yet committed; -1: none ever was", by_place, lags)
    yield _family("consumergroup_lag_sum", "Lags of a topic, added up", by_topic, _sums(lags))


def _consumed(group: Group) -> set[str]:
    """The topics of which the group has committed at least one partition."""
    return {topic for (topic, _), offset in group.committed.items() if offset != UNCOMMITTED}


def _lag(committed: int, latest: int) -> int:
    return UNCOMMITTED if committed == UNCOMMITTED else latest - committed


def _sums(rows: Mapping[Labels, int]) -> Counter[Labels]:
    sums = Counter[Labels]()
    for (group, topic, _), value in rows.items():
        sums[group, topic] += 0 if value == UNCOMMITTED else value
    return sums


def main() -> None:
    """Serve `/metrics` until SIGTERM."""
    parser = argparse.ArgumentParser("kafka_exporter", description=__doc__)
    parser.add_argument("--bootstrap-servers", required=True)
    parser.add_argument("--port", type=int, default=9308)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    registry = CollectorRegistry()
    registry.register(KafkaCollector(partial(admin, options.bootstrap_servers)))
    start_http_server(options.port, LOOPBACK, registry)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    main()
