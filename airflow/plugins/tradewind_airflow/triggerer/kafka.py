"""Kafka client configuration from an Airflow connection."""

from collections.abc import Mapping
from typing import Any, cast

CONSUMER_ONLY = frozenset(
    {
        "auto.commit.interval.ms",
        "auto.offset.reset",
        "check.crcs",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "heartbeat.interval.ms",
        "isolation.level",
        "max.poll.interval.ms",
        "partition.assignment.strategy",
        "session.timeout.ms",
    }
)
"""Options that librdkafka warns about in a producer; so it does about `fetch.*` and `queued.*`."""


def connection_config(connection_id: str) -> dict[str, Any]:
    """Return the client configuration of a Kafka connection.

    It is the provider's hook's, with its checks, its allow-list of callbacks and its tokens for managed Kafka.
    """
    # DAG files import the settings, and need neither the provider nor a Kafka client.
    from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook  # noqa: PLC0415

    class ConfigHook(KafkaBaseHook):
        def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
            return dict(config)

    return cast("dict[str, Any]", ConfigHook(connection_id).get_conn)  # type: ignore[no-untyped-call]  # published so


def for_producers(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that apply to a producer."""
    return {key: value for key, value in connection.items() if not _is_for_consumers(key)}


def _is_for_consumers(key: str) -> bool:
    return key in CONSUMER_ONLY or key.startswith(("fetch.", "queued."))
