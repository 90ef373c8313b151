"""Invariants of the status topic whichever process dies: nothing is lost, each run's states are in order."""

import threading
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from support.lifecycle_suite import PUBLISHER, FakeFeed, FakeTopic, changed, foreign
from tradewind_airflow.lifecycle import checkpoints
from tradewind_airflow.lifecycle.checkpoints import Checkpoint
from tradewind_airflow.lifecycle.publisher import LifecyclePublisher, RecentIds
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_contracts import records
from tradewind_contracts.records import Record

RUNS = ("run-a", "run-b", "run-c", "run-d")
PAGE = 4
ALL = LifecycleSettings(look_back=1e9)


class Death(BaseException):
    """The process was killed: nothing catches it."""


class MortalTopic:
    """The topic as one process sees it: it may die in `write` with some of the records sent, and some under way."""

    def __init__(self, topic: FakeTopic) -> None:
        self._topic = topic
        self.dies = False
        self.under_way: list[Record] = []

    def tail(self, stop: threading.Event) -> list[Checkpoint]:
        return self._topic.tail(stop)

    def write(self, outbound: Sequence[Record], stop: threading.Event) -> bool:
        if self.dies:
            # They arrive later, or never, each partition's in their order.
            self.under_way = list(outbound)
            raise Death
        return self._topic.write(outbound, stop)


class Process:
    """A publisher, alive until it dies."""

    def __init__(self, feed: FakeFeed, topic: FakeTopic, memory: int) -> None:
        self.topic = MortalTopic(topic)
        self.publisher = LifecyclePublisher(feed, self.topic, ALL, RecentIds(memory))
        self.stop = threading.Event()
        self.cursor = self.publisher.resume(self.stop)

    def advance(self) -> None:
        assert self.cursor is not None
        self.cursor = self.publisher.advance(self.cursor, self.stop)


class Lifecycle(RuleBasedStateMachine):
    """Several publishers at once, as in a fail-over; each may die at any point."""

    @initialize(overlap=st.integers(0, 5), span=st.integers(1, 20), memory=st.integers(0, 50))
    def begin(self, overlap: int, span: int, memory: int) -> None:
        self.feed = FakeFeed(PAGE, overlap)
        self.topic = FakeTopic(span=span)
        self.memory = memory
        self.alive: list[Process] = []
        self.under_way: list[Record] = []
        self.number = 0

    @rule(runs=st.lists(st.sampled_from(RUNS), min_size=1, max_size=6))
    def runs_change(self, runs: list[str]) -> None:
        for run_id in runs:
            self.number += 1
            self.feed.happens(changed(run_id, number=self.number))

    @rule()
    def others_publish(self) -> None:
        self.topic.append(foreign("agent"))

    @precondition(lambda self: len(self.alive) < 3)
    @rule()
    def a_process_starts(self) -> None:
        self.alive.append(Process(self.feed, self.topic, self.memory))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def a_process_goes_on(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.alive)).advance()

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def a_process_dies_in_a_page(self, data: st.DataObject) -> None:
        process = data.draw(st.sampled_from(self.alive))
        process.topic.dies = True
        try:
            process.advance()
        except Death:
            sent = data.draw(st.integers(0, len(process.topic.under_way)))
            self.under_way += process.topic.under_way[:sent]
        self.alive.remove(process)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def what_was_under_way_arrives(self, data: st.DataObject) -> None:
        for _ in range(data.draw(st.integers(1, len(self.under_way)))):
            self.topic.append(self.under_way.pop(0))

    @invariant()
    def each_runs_events_are_in_order(self) -> None:
        for run_id, published in self._published().items():
            happened = [event.event_id for event in self.feed.events if event.workflow_run_id == run_id]
            assert published == happened[: len(published)]

    @invariant()
    def everything_before_a_published_cursor_is_published(self) -> None:
        on_topic = {event_id for published in self._published().values() for event_id in published}
        cursors = [
            checkpoint.cursor
            for one in self.topic.records()
            if (checkpoint := checkpoints.read(one.headers, PUBLISHER))
        ]
        furthest = max(map(int, cursors), default=0)
        assert {event.event_id for event in self.feed.events[:furthest]} <= on_topic

    @invariant()
    def repeats_are_equal(self) -> None:
        values: dict[str, bytes] = {}
        for one in self.topic.records():
            checkpoint = checkpoints.read(one.headers, PUBLISHER)
            assert checkpoint is None or values.setdefault(checkpoint.event_id, one.value) == one.value

    def teardown(self) -> None:
        last = Process(self.feed, self.topic, self.memory)
        for _ in range(len(self.feed.events) // (PAGE - 1) + 2):
            last.advance()
        published = [event_id for found in self._published().values() for event_id in found]
        assert sorted(published) == sorted(event.event_id for event in self.feed.events)
        self.each_runs_events_are_in_order()

    def _published(self) -> dict[str, list[str]]:
        """The ids of each run's events, as they came first."""
        published: dict[str, list[str]] = {run_id: [] for run_id in RUNS}
        for one in self.topic.records():
            event = records.decode(one.value, one.headers).event
            found = published.get(event.workflow_run_id, [])
            found += [] if event.event_id in found else [event.event_id]
        return published


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
