"""The ingestion's settings: the trigger's arguments, and the Kafka clients' configuration made from a connection."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tradewind_airflow.triggerer.errors import ConfigurationError
from tradewind_airflow.triggerer.kafka import for_producers
from tradewind_contracts import topics
from tradewind_service import kafka_clients


@dataclass(frozen=True)
class IngestionSettings:
    """All that a `WorkflowEventsTrigger` is made of: names, never secrets. Times are in seconds."""

    kafka_conn_id: str = "tradewind_kafka"
    airflow_conn_id: str = "tradewind_airflow"
    topic: str = topics.WORKFLOW_EVENTS.name
    dead_letter_topic: str = topics.DEAD_LETTERS.name
    group_id: str = topics.AIRFLOW_GROUP
    unavailable_patience: float = 60.0
    """How long a workflow that cannot be run right now holds its event, before that is dead-lettered."""


def consumer_config(connection: Mapping[str, Any], settings: IngestionSettings) -> dict[str, Any]:
    """Return the consumer's configuration: the connection's, and what exactly-once needs, whatever the connection says.

    Raises `ConfigurationError` for a connection that asks for automatic commits: its owner expects another behaviour.
    """
    if str(connection.get("enable.auto.commit", "false")).lower() not in {"false", "0"}:
        raise ConfigurationError(
            f"the connection {settings.kafka_conn_id!r} sets enable.auto.commit, which would lose events when a process"
            " dies: remove it from the connection's extra (Tradewind commits an offset when the run exists)"
        )
    own = {
        "client.id": f"{settings.group_id}-ingestion",
        # A killed triggerer's partitions are somebody else's after 6 s instead of 45.
        "session.timeout.ms": 6000,
        # Each error is logged by us: a name that does not resolve fails four times a second.
        "log_level": 2,
    }
    return kafka_clients.consumer_config(connection, settings.group_id, own)


def producer_config(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of the dead letters' producer, from the same connection."""
    own = {
        "linger.ms": 0,
        "message.max.bytes": topics.DEAD_LETTERS.max_message_bytes,
        "delivery.timeout.ms": 20_000,
    }
    return kafka_clients.producer_config(for_producers(connection), own)
