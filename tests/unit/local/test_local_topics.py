"""What is asked of a broker that is not quite there yet."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from tradewind_local import topics
from tradewind_local.errors import PartError


class Coordinator:
    """A consumer whose broker answers with these error codes first."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.closed = False

    def __call__(self, *_: object, **__: object) -> "Coordinator":
        return self

    def committed(self, *_: object, **__: object) -> None:
        if self.codes:
            raise KafkaException(KafkaError(self.codes.pop(0)))

    def close(self) -> None:
        self.closed = True


def test_a_coordinator_that_moves_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Coordinator(KafkaError.NOT_COORDINATOR, KafkaError.NOT_COORDINATOR)
    monkeypatch.setattr(topics, "Consumer", consumer)
    topics.warm_groups("127.0.0.1:9", "group")
    assert consumer.codes == []
    assert consumer.closed


def test_it_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "Consumer", Coordinator(*[KafkaError.NOT_COORDINATOR] * 100))
    with pytest.raises(PartError, match="keeps no offsets after 0 s"):
        topics.warm_groups("127.0.0.1:9", "group", timeout=0.2)


def test_what_does_not_pass_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Coordinator(KafkaError.GROUP_AUTHORIZATION_FAILED)
    monkeypatch.setattr(topics, "Consumer", consumer)
    with pytest.raises(KafkaException):
        topics.warm_groups("127.0.0.1:9", "group")
    assert consumer.closed
