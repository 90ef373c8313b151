"""The consumer's loop step by step, on a fake client; batches are completed by the test."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from tradewind_airflow.ingestion import consumer
from tradewind_airflow.ingestion.backlog import Entry
from tradewind_airflow.ingestion.consumer import EventConsumer
from tradewind_airflow.ingestion.decisions import Cancel
from tradewind_airflow.ingestion.record_processor import Processed
from tradewind_airflow.triggerer.errors import LoginError
from tradewind_contracts import records
from tradewind_contracts.events import CancelRequested, Event, WorkflowTriggered
from tradewind_contracts.workflows import MAX_BATCH_ITEMS, WorkflowType

TOPIC = "topic"

Rebalanced = Callable[[Any, list[TopicPartition]], None]


class FakeMessage:
    """A message without an error."""

    def __init__(self, offset: int, partition: int, event: Event) -> None:
        self._offset, self._partition, self._record = offset, partition, records.encode(event)

    def error(self) -> None:
        return None

    def topic(self) -> str:
        return TOPIC

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return self._record.key

    def value(self) -> bytes:
        return self._record.value

    def headers(self) -> records.Headers:
        return self._record.headers


class FakeConsumer:
    """Kafka's client, as far as the loop uses it. `script` is called before each poll."""

    def __init__(self) -> None:
        self.messages: list[FakeMessage] = []
        self.committed: dict[int, int] = {}
        self.paused: set[int] = set()
        self.polls: list[float] = []
        self.script: Callable[[], None] = lambda: None
        self._on_assign: Rebalanced
        self._on_revoke: Rebalanced

    def subscribe(self, _: list[str], on_assign: Rebalanced, on_revoke: Rebalanced, on_lost: Rebalanced) -> None:
        assert on_lost == on_revoke
        self._on_assign, self._on_revoke = on_assign, on_revoke

    def assign(self, *numbers: int) -> None:
        self._on_assign(self, _partitions(numbers))

    def revoke(self, *numbers: int) -> None:
        self._on_revoke(self, _partitions(numbers))

    def poll(self, timeout: float) -> FakeMessage | None:
        self.polls.append(timeout)
        self.script()
        return next(iter(self.consume(1, 0)), None)

    def consume(self, count: int, _: float) -> list[FakeMessage]:
        taken = [message for message in self.messages if message.partition() not in self.paused][:count]
        self.messages = [message for message in self.messages if message not in taken]
        return taken

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.committed |= {place.partition: place.offset for place in offsets}

    def pause(self, partitions: list[TopicPartition]) -> None:
        self.paused |= {place.partition for place in partitions}

    def resume(self, partitions: list[TopicPartition]) -> None:
        self.paused -= {place.partition for place in partitions}


def _partitions(numbers: Iterable[int]) -> list[TopicPartition]:
    return [TopicPartition(TOPIC, number) for number in numbers]


class Loop:
    """A loop with all its parts in reach. `steps` run one by one, each before a poll; after the last the loop stops."""

    def __init__(self) -> None:
        self.client = FakeConsumer()
        self.batches: list[tuple[list[Entry], Future[Processed]]] = []
        self.now = 1000.0
        self.consumer = EventConsumer(self.client, self._process, TOPIC, lambda: self.now)  # type: ignore[arg-type]
        self._offsets = {0: 0, 1: 0}

    def _process(self, entries: Sequence[Entry]) -> Future[Processed]:
        self.batches.append((list(entries), Future()))
        return self.batches[-1][1]

    def arrive(self, *events: Event, partition: int = 0) -> None:
        for event in events:
            self.client.messages.append(FakeMessage(self._offsets[partition], partition, event))
            self._offsets[partition] += 1

    def complete(self, number: int, *, retry_at: float | None = None, but: Sequence[int] = ()) -> None:
        """Complete a batch: all is done unless something is down (`retry_at`), or for entries that have to wait."""
        entries, result = self.batches[number]
        for place, entry in enumerate(entries):
            entry.done = retry_at is None and place not in but
            if place in but:
                entry.due = self.now + 5
        result.set_result(Processed(retry_at))

    def run(self, *steps: Callable[[], object]) -> None:
        stop, left = threading.Event(), [lambda: self.client.assign(0, 1), *steps]

        def script() -> None:
            if left:
                left.pop(0)()
            else:
                stop.set()

        self.client.script = script
        self.consumer.run(stop)

    def sizes(self) -> list[int]:
        return [len(entries) for entries, _ in self.batches]


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    for name in ("READ_AHEAD_SECONDS", "FULL_SECONDS", "LEAVE_SECONDS"):
        monkeypatch.setattr(consumer, name, 0.001)
    return Loop()


COMMON: dict[str, Any] = {"source": "/test", "workflow_id": "recon", "workflow_type": WorkflowType.AIRFLOW}


def triggered(run_id: str) -> Event:
    return WorkflowTriggered(**COMMON, workflow_run_id=run_id)


def cancelled(run_id: str) -> Event:
    return CancelRequested(**COMMON, workflow_run_id=run_id)


def many(count: int) -> list[Event]:
    return [triggered(f"run-{number}") for number in range(count)]


def test_the_next_batch_is_read_while_the_last_is_in_flight(loop: Loop) -> None:
    loop.run(
        lambda: loop.arrive(*many(2)),
        lambda: loop.arrive(*many(3)),
        lambda: None,
        lambda: _require(loop.sizes() == [2] and not loop.client.messages),
        lambda: loop.complete(0),
        lambda: _require(loop.sizes() == [2, 3]),
    )
    assert loop.client.committed == {0: 2}, "the second batch is not done"


def _require(fact: bool) -> None:
    assert fact


def test_a_command_waits_for_the_trigger_in_flight(loop: Loop) -> None:
    loop.run(
        lambda: loop.arrive(triggered("one")),
        lambda: loop.arrive(cancelled("one"), triggered("two")),
        lambda: loop.complete(0),
        lambda: loop.complete(1),
    )
    works = [[entry.work for entry in entries] for entries, _ in loop.batches]
    assert [len(batch) for batch in works] == [1, 2]
    assert isinstance(works[1][0], Cancel)
    assert loop.client.committed == {0: 3}


def test_a_command_waits_for_a_trigger_that_has_to_wait(loop: Loop) -> None:
    loop.run(
        lambda: loop.arrive(triggered("one")),
        lambda: loop.arrive(cancelled("one"), triggered("two")),
        lambda: loop.complete(0, but=[0]),
        lambda: loop.complete(1),
    )
    assert [[entry.run_id for entry in entries] for entries, _ in loop.batches] == [["one"], ["two"]]
    assert loop.client.committed == {}, "the first record of the partition is not done"
    assert loop.client.paused == {0}


def test_what_was_revoked_is_neither_committed_nor_sent(loop: Loop) -> None:
    loop.arrive(*many(1))
    loop.arrive(triggered("other"), partition=1)
    loop.run(
        lambda: None,
        lambda: loop.arrive(*many(4)),
        lambda: loop.client.revoke(0),
        lambda: loop.complete(0),
        lambda: None,
    )
    assert loop.sizes() == [2]
    assert loop.client.committed == {1: 1}


def test_a_partition_that_comes_back_is_read_again(loop: Loop) -> None:
    def again() -> None:
        loop.client.revoke(0)
        loop._offsets[0] = 0
        loop.client.assign(0)
        loop.arrive(*many(1))

    loop.run(lambda: loop.arrive(*many(1)), again, lambda: None, lambda: loop.complete(0), lambda: loop.complete(1))
    assert loop.sizes() == [1, 1]
    assert loop.client.committed == {0: 1}


def test_while_something_is_down_all_is_paused_and_the_group_is_served(loop: Loop) -> None:
    loop.run(
        lambda: loop.arrive(*many(1)),
        lambda: loop.arrive(*many(2)),
        lambda: loop.complete(0, retry_at=loop.now + 3),
        lambda: _require(loop.client.paused == {0, 1} and loop.sizes() == [1]),
        lambda: setattr(loop, "now", loop.now + 3),
        lambda: _require(loop.sizes() == [1, 3] and loop.client.paused == {0, 1}),
        lambda: loop.complete(1),
        lambda: _require(loop.client.paused == set()),
    )
    assert loop.client.committed == {0: 3}


def test_an_outage_is_forgotten_with_the_records_that_met_it(loop: Loop) -> None:
    loop.run(
        lambda: loop.arrive(*many(1)),
        lambda: loop.complete(0, retry_at=loop.now + 3),
        lambda: loop.client.revoke(0),
        lambda: loop.arrive(*many(1), partition=1),
        lambda: None,
    )
    assert loop.sizes() == [1, 1]


def test_reading_ahead_is_bounded_and_then_the_group_is_still_served(loop: Loop) -> None:
    polled: list[int] = []
    loop.run(
        lambda: loop.arrive(*many(1)),
        lambda: loop.arrive(*many(2 * MAX_BATCH_ITEMS)),
        *[lambda: None] * (MAX_BATCH_ITEMS // consumer.READ_AHEAD_RECORDS - 1),
        lambda: _require(len(loop.client.messages) == MAX_BATCH_ITEMS and loop.client.paused == {0, 1}),
        lambda: polled.append(len(loop.client.polls)),
        lambda: loop.complete(0),
        lambda: None,
    )
    assert polled, "a paused client is polled"
    assert loop.sizes()[:2] == [1, MAX_BATCH_ITEMS]


def test_without_a_batch_in_flight_the_client_waits_and_with_one_it_does_not(loop: Loop) -> None:
    loop.run(lambda: None, lambda: loop.arrive(*many(1)), lambda: None, lambda: loop.complete(0), lambda: None)
    assert loop.client.polls[0] == consumer.POLL_SECONDS
    assert loop.client.polls[3:5] == [0.0, 0.0]
    assert loop.client.polls[-1] == consumer.POLL_SECONDS


def test_a_stop_commits_the_batch_in_flight_if_it_is_done_in_time(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "LEAVE_SECONDS", 5)
    threading.Timer(0.05, lambda: loop.complete(0)).start()
    loop.run(lambda: loop.arrive(*many(2)))
    assert loop.client.committed == {0: 2}


def test_a_stop_abandons_a_batch_that_takes_long_and_commits_nothing_of_it(loop: Loop) -> None:
    loop.run(lambda: loop.arrive(*many(2)), lambda: None, lambda: _require(loop.client.committed == {}))
    assert loop.client.committed == {}


def test_what_a_batch_raises_ends_the_loop(loop: Loop) -> None:
    refused = LoginError("401")
    with pytest.raises(LoginError):
        loop.run(lambda: loop.arrive(*many(1)), lambda: loop.batches[0][1].set_exception(refused), lambda: None)
