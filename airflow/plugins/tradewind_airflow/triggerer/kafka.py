"""Kafka clients' configuration out of an Airflow connection."""

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
"""Options that librdkafka warns about when a producer gets them; those named `fetch.*` and `queued.*` are others."""


def connection_config(connection_id: str) -> dict[str, Any]:
    """Return what the Kafka connection configures a client with.

    By the provider's hook: so its checks, its callbacks' allow-list and its tokens for managed Kafka hold for us too.
    """
    # DAG files import settings, and need neither provider nor Kafka client.
    from airflow.providers.apache.kafka.hooks.base import KafkaBaseHook  # noqa: PLC0415

    class ConfigHook(KafkaBaseHook):
        def _get_client(self, config: dict[str, Any]) -> dict[str, Any]:
            return dict(config)

    return cast("dict[str, Any]", ConfigHook(connection_id).get_conn)  # type: ignore[no-untyped-call]  # published so


def for_producers(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that a producer has use for."""
    return {key: value for key, value in connection.items() if not _is_for_consumers(key)}


def _is_for_consumers(key: str) -> bool:
    return key in CONSUMER_ONLY or key.startswith(("fetch.", "queued."))
