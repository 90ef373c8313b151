from datetime import timedelta

import pytest
from confluent_kafka import KafkaError, KafkaException

from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_reader import LedgerReader


class ErrorMessage:
    """What a consumer's poll returns where a partition cannot be read."""

    def __init__(self, error: KafkaError) -> None:
        self._error = error

    def topic(self) -> str:
        return "workflow-events"

    def partition(self) -> int:
        return 0

    def error(self) -> KafkaError:
        return self._error


@pytest.mark.parametrize("retriable", [True, False])
def test_an_error_that_passes_is_waited_out_and_another_begins_anew(retriable: bool) -> None:
    index = LedgerIndex("workflow-events", max_runs=1, max_bytes=1)
    reader = LedgerReader({}, {}, index, timedelta(hours=1), look_around_seconds=1)
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "no", retriable=retriable)
    if retriable:
        reader._take(ErrorMessage(error))  # type: ignore[arg-type]  # a Message cannot be made in Python
    else:
        with pytest.raises(KafkaException):
            reader._take(ErrorMessage(error))  # type: ignore[arg-type]  # a Message cannot be made in Python
    assert not reader.caught_up
