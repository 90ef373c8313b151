"""The configuration of all Kafka clients: what operators may set, and what exactly-once needs."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr

PARTITIONER = "murmur2_random"
"""The partitioner of Kafka's Java clients, so that a key is on the same partition whichever producer sends it."""

_KEYS = re.compile(r"security\.protocol|sasl\.[a-z.]+|ssl\.[a-z.]+|client\.rack|broker\.address\.family")

_RECONNECT = {"reconnect.backoff.ms": 50, "reconnect.backoff.max.ms": 1000}
"""Reconnect to a broker within a second of its return, not within ten."""


def _only_connection_and_security(config: dict[str, SecretStr]) -> dict[str, SecretStr]:
    refused = [key for key in config if not _KEYS.fullmatch(key)]
    if refused:
        raise ValueError(f"only connection and security properties may be set here, not {', '.join(refused)}")
    return config


ClientConfig = Annotated[dict[str, SecretStr], AfterValidator(_only_connection_and_security)]
"""The variable `KAFKA_CLIENT_CONFIG`, a JSON object of librdkafka's properties of connection and security."""


def connection(bootstrap_servers: str, config: Mapping[str, SecretStr]) -> dict[str, str]:
    """Return the properties that all clients of a service share."""
    return {key: value.get_secret_value() for key, value in config.items()} | {"bootstrap.servers": bootstrap_servers}


def producer_config(connection: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a producer's configuration; `own` are further properties of librdkafka.

    Idempotent, acknowledged by all in-sync replicas, and with one partitioner, regardless of `connection`.
    """
    return {
        **_RECONNECT,
        **connection,
        **own,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": PARTITIONER,
    }


def consumer_config(connection: Mapping[str, Any], group_id: str, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a consumer's configuration; `own` are further properties of librdkafka.

    It neither commits nor stores offsets by itself, and starts at the earliest offset where none is committed.
    """
    return {
        **_RECONNECT,
        **connection,
        **own,
        "group.id": group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
    }
