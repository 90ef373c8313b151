"""The lifecycle's settings: the trigger's arguments, and the Kafka clients' configuration from a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tradewind_airflow.triggerer.kafka import for_producers
from tradewind_contracts import topics
from tradewind_service import kafka_clients


@dataclass(frozen=True)
class LifecycleSettings:
    """The arguments of a `WorkflowLifecycleTrigger`: names, never secrets. Times are in seconds."""

    kafka_conn_id: str = "tradewind_kafka"
    airflow_conn_id: str = "tradewind_airflow"
    topic: str = topics.WORKFLOW_STATUS.name
    publisher: str = "airflow"
    """The publisher of the records: several Airflows, or selections of DAGs, on one topic need a name each."""
    include: str = "*"
    """DAG ids whose runs are published: shell patterns (`fnmatch`), separated by commas."""
    exclude: str = ""
    """DAG ids to leave out of these."""
    look_back: float = topics.WORKFLOW_STATUS.retention_ms / 1000
    """How far back to begin when the topic has no record of this publisher; by default the topic's retention."""
    wait: int = 20
    """How long a request waits for changes: 0 to 30."""

    def includes(self, dag_id: str) -> bool:
        """Whether this DAG's runs are published."""
        return _matches(dag_id, self.include) and not _matches(dag_id, self.exclude)


def _matches(dag_id: str, patterns: str) -> bool:
    return any(fnmatchcase(dag_id, pattern.strip()) for pattern in patterns.split(","))


CLIENT = "tradewind-lifecycle"


def producer_config(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the producer's configuration: the connection's, but with the options that keep each key in order."""
    own = {
        "client.id": CLIENT,
        "linger.ms": 0,
        # Never give up: a record that timed out alone would leave a gap before the next ones.
        "message.timeout.ms": 0,
        "message.max.bytes": topics.WORKFLOW_STATUS.max_message_bytes,
        # An outage is logged once, by us.
        "log_level": 2,
    }
    return kafka_clients.producer_config(for_producers(connection), own)


def reader_config(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the consumer that reads the topic's tail; it never joins a group."""
    own = {
        "client.id": CLIENT,
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": 16 * 1024,
        "log_level": 2,
    }
    return kafka_clients.consumer_config(connection, CLIENT, own)
