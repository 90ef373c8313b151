"""Records as they were received from Kafka."""

from dataclasses import dataclass, field

from confluent_kafka import Message

from tradewind_contracts.records import Headers
from tradewind_service.offset_tracker import Partition


@dataclass(frozen=True, slots=True)
class ReceivedRecord:
    """A record and its position, not decoded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = field(default_factory=list)

    @property
    def topic_partition(self) -> Partition:
        """Topic and partition of the record."""
        return self.topic, self.partition


def from_message(message: Message) -> ReceivedRecord:
    """Return the record of a message that is not an error; raise ValueError for one without a position."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise ValueError("a message without a position")
    headers = message.headers() or []
    # The client's types allow a dict and str, but only producers may pass these.
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    return ReceivedRecord(topic, partition, offset, _as_bytes(message.key()), _as_bytes(message.value()), pairs)


def _as_bytes(raw: str | bytes | None) -> bytes | None:
    return raw.encode() if isinstance(raw, str) else raw
