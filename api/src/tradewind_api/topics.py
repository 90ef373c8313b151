"""`python -m tradewind_api.topics`: create the topics that do not exist. Idempotent."""

import logging
import sys
import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from tradewind_contracts.topics import TOPICS, Topic
from tradewind_service import kafka_clients, secret_files

# librdkafka logs each failed connection while the broker starts: TopicsError reports the last one instead.
_SILENT = logging.getLogger("tradewind_api.librdkafka")
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class TopicsError(Exception):
    """The topics could not be created; the message says why."""


class TopicSettings(BaseSettings):
    """The settings of this command: address and credentials of the broker."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True, secrets_dir=secret_files.FOLDER)

    kafka_bootstrap_servers: str = Field(min_length=1)
    kafka_client_config: kafka_clients.ClientConfig = {}

    def kafka_client(self) -> dict[str, str]:
        """Return librdkafka's properties."""
        return kafka_clients.connection(self.kafka_bootstrap_servers, self.kafka_client_config)


def main() -> int:
    """Create the topics; the exit code is 0 when they exist, 1 when not, 2 when the settings are wrong."""
    try:
        settings = TopicSettings()
        create_topics(settings.kafka_client())
    except (ValidationError, SettingsError) as wrong:
        sys.stderr.write(f"error: {_in_a_line(wrong)}\n")
        return 2
    except TopicsError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"the topics are there: {', '.join(topic.name for topic in TOPICS)}\n")
    return 0


def _in_a_line(wrong: ValidationError | SettingsError) -> str:
    if isinstance(wrong, SettingsError):
        return str(wrong)
    return "; ".join(f"{'.'.join(map(str, error['loc'])).upper()}: {error['msg']}" for error in wrong.errors())


def create_topics(config: dict[str, str], topics: Iterable[Topic] = TOPICS, timeout: float = 60) -> None:
    """Create the topics that do not exist, and wait until each partition has a leader.

    Existing topics are not changed; new ones have the broker's default replication factor. `config` is librdkafka's.
    Raises TopicsError after `timeout` seconds, or at once if Kafka refuses with an error that cannot be retried.
    """
    errors: list[KafkaError] = []
    options: dict[str, Any] = {**config, "error_cb": errors.append}
    client = AdminClient(options, logger=_SILENT)
    wanted, deadline = tuple(topics), time.monotonic() + timeout
    while not _exist(client, wanted, min(10, timeout)):
        client.poll(0)
        if time.monotonic() > deadline:
            names, servers = ", ".join(topic.name for topic in wanted), config["bootstrap.servers"]
            raise TopicsError(f"cannot create the topics {names} on {servers} within {timeout:.0f} s{_why(errors)}")
        time.sleep(0.1)


def _why(errors: list[KafkaError]) -> str:
    # "All brokers down" only repeats the errors before it.
    causes = [error.str() for error in errors if error.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001  # its name
    return f": {causes[-1]}" if causes else ""


def _exist(client: AdminClient, topics: tuple[Topic, ...], timeout: float) -> bool:
    try:
        return _create(client, topics, timeout) and _have_leaders(client, topics, timeout)
    except KafkaException:
        return False


def _create(client: AdminClient, topics: tuple[Topic, ...], timeout: float) -> bool:
    known = client.list_topics(timeout=timeout).topics
    new = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=-1, config=topic.config)
        for topic in topics
        if topic.name not in known
    ]
    created = client.create_topics(new) if new else {}
    return all(_created(future.exception()) for future in created.values())


def _created(error: BaseException | None) -> bool:
    if error is None:
        return True
    if not isinstance(error, KafkaException):
        raise error
    cause: KafkaError = error.args[0]
    if cause.code() == KafkaError.TOPIC_ALREADY_EXISTS:
        return True
    if cause.retriable():
        return False
    raise TopicsError(f"Kafka refused to create a topic: {cause.str()}") from error


def _have_leaders(client: AdminClient, topics: tuple[Topic, ...], timeout: float) -> bool:
    known = client.list_topics(timeout=timeout).topics
    return all(
        topic.name in known
        and len(known[topic.name].partitions) >= topic.partitions
        and all(partition.leader >= 0 for partition in known[topic.name].partitions.values())
        for topic in topics
    )


if __name__ == "__main__":
    sys.exit(main())
