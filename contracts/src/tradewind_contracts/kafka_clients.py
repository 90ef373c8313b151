"""What an operator may tell our services about the way to Kafka: the variable `KAFKA_CLIENT_CONFIG`, a JSON object."""

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_KEYS = re.compile(r"security\.protocol|sasl\.[a-z.]+|ssl\.[a-z.]+|client\.rack|broker\.address\.family")


def _only_connection_and_security(config: dict[str, SecretStr]) -> dict[str, SecretStr]:
    strange = [key for key in config if not _KEYS.fullmatch(key)]
    if strange:
        raise ValueError(f"only connection and security properties may be set here, not {', '.join(strange)}")
    return config


ClientConfig = Annotated[dict[str, SecretStr], AfterValidator(_only_connection_and_security)]
"""librdkafka's properties of connection and security; what exactly-once depends on cannot be changed by it."""


def revealed(config: dict[str, SecretStr]) -> dict[str, str]:
    """Return the properties as librdkafka takes them."""
    return {key: value.get_secret_value() for key, value in config.items()}
