import time
from collections.abc import Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tradewind_api.ledger import LedgerIndex
from tradewind_api.ledger_reader import LedgerReader, Window, first_offset


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
    reader = LedgerReader({}, {}, index, Window(timedelta(hours=1), 1), refresh_seconds=1)
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED, "no", retriable=retriable)
    if retriable:
        reader._take(ErrorMessage(error))  # type: ignore[arg-type]  # a Message cannot be made in Python
    else:
        with pytest.raises(KafkaException):
            reader._take(ErrorMessage(error))  # type: ignore[arg-type]  # a Message cannot be made in Python
    assert not reader.caught_up


@pytest.mark.parametrize(
    ("in_window", "end", "most", "offset"),
    [
        (40, 100, 1000, 40),  # all of the window is within the bound
        (40, 100, 60, 40),
        (40, 100, 59, 41),  # more than the bound: the last records only
        (0, 5_000_000, 33_334, 4_966_666),
        (-1, 100, 60, 100),  # no record in the window
        (0, 0, 60, 0),
        (95, 100, 1, 99),
    ],
)
def test_reading_begins_at_the_window_but_at_most_so_many_records_before_the_end(
    in_window: int, end: int, most: int, offset: int
) -> None:
    assert first_offset(in_window, end, most) == offset


class FakeConsumer:
    """A consumer of topics that hold one record a second for the last thousand seconds, in each partition."""

    def __init__(self, partitions: dict[str, int]) -> None:
        self._partitions = partitions
        self.error: KafkaError | None = None
        self.assigned: dict[tuple[str, int], int] = {}

    def list_topics(self, topic: str, **_: float) -> Any:
        metadata = SimpleNamespace(error=None, partitions=range(self._partitions[topic]))
        return SimpleNamespace(topics={topic: metadata})

    def get_watermark_offsets(self, _: TopicPartition, **__: float) -> tuple[int, int]:
        return 0, 1000

    def offsets_for_times(self, wanted: list[TopicPartition], **_: float) -> list[Any]:
        ages = [time.time() - start.offset / 1000 for start in wanted]
        return [
            SimpleNamespace(topic=start.topic, partition=start.partition, offset=1000 - round(age), error=self.error)
            for start, age in zip(wanted, ages, strict=True)
        ]

    def incremental_assign(self, starts: list[Any]) -> None:
        self.assigned = {(start.topic, start.partition): start.offset for start in starts}


def reader_of(topics: Iterable[str], window: Window) -> LedgerReader:
    index = LedgerIndex("events", max_runs=1, max_bytes=1)
    feeds = {topic: lambda _, __: None for topic in topics}
    return LedgerReader({}, feeds, index, window, refresh_seconds=1)


def starts(partitions: dict[str, int], window: Window) -> dict[tuple[str, int], int]:
    consumer = FakeConsumer(partitions)
    reader_of(partitions, window)._begin(consumer)  # type: ignore[arg-type]  # all of it that is used
    return consumer.assigned


def test_the_bound_is_of_each_topic_and_shared_by_its_partitions() -> None:
    begin = starts({"events": 3, "letters": 1}, Window(timedelta(seconds=900), 600))
    assert begin == {("events", 0): 800, ("events", 1): 800, ("events", 2): 800, ("letters", 0): 400}


def test_the_window_counts_where_it_is_shorter_than_the_bound() -> None:
    assert starts({"events": 3}, Window(timedelta(seconds=100), 600)) == {("events", n): 900 for n in range(3)}


def test_a_partition_whose_window_is_not_known_is_not_skipped() -> None:
    consumer = FakeConsumer({"events": 1})
    consumer.error = KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION)
    with pytest.raises(KafkaException):
        reader_of(["events"], Window(timedelta(seconds=100), 600))._begin(consumer)  # type: ignore[arg-type]  # as above
    assert consumer.assigned == {}
