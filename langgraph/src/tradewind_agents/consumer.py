"""The Kafka consumer: polls in a thread of its own and commits the offsets of processed records."""

import asyncio
import logging
import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from tradewind_agents.dispatcher import Dispatcher
from tradewind_agents.intake import Accepted, Intake, Skipped
from tradewind_agents.metrics import Metrics
from tradewind_service import received_records
from tradewind_service.offset_tracker import OffsetTracker, Partition, TrackedRecord
from tradewind_service.prometheus_metrics import exemplar

_LOG = logging.getLogger(__name__)

_COMMIT_SECONDS = 0.2
_MAX_SPAN = 20_000
"""Uncommitted records at which fetching stops: all of them would be consumed again after a crash."""


@dataclass(frozen=True)
class ConsumerLimits:
    """`backlog`: accepted runs at which fetching stops. `drain_seconds`: time to reach a superstep's end."""

    backlog: int
    drain_seconds: float


class AgentEventConsumer:
    """Polls, decides, and passes records to the dispatcher; at least once.

    An offset is committed when its record and all before it in the partition are processed. While too many records are
    in progress the partitions are paused and polling continues, to keep the group membership. Revoked partitions are
    drained first.
    """

    def __init__(
        self,
        config: dict[str, Any],
        topic: str,
        intake: Intake,
        dispatcher: Dispatcher,
        metrics: Metrics,
        limits: ConsumerLimits,
    ) -> None:
        self._consumer = Consumer(_CLIENT_DEFAULTS | config | {"on_commit": self._on_commit})
        self._topic = topic
        self._intake = intake
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._tracker: OffsetTracker[TrackedRecord] = OffsetTracker()
        self._submitted = 0
        self._committed_at = 0.0
        self._paused = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tradewind-consumer", daemon=True)
        self.polled_at = 0.0
        self.joined = False

    def start(self) -> None:
        """Join the consumer group."""
        self._thread.start()

    async def stop(self) -> None:
        """Drain records in progress, commit processed ones, leave the group."""
        self._stopping.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join)

    @property
    def is_alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread.is_alive()

    def is_ready(self, within: float) -> bool:
        """Whether this member is in the group and polled in the last `within` seconds."""
        return self.is_alive and self.joined and time.monotonic() - self.polled_at < within

    def _run(self) -> None:
        try:
            self._consumer.subscribe(
                [self._topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping.is_set():
                self._step()
            self._release(self._owned())
        except Exception:  # noqa: BLE001  # a thread has no caller; /livez reports that it ended
            _LOG.exception("the consumer failed")
        finally:
            self._consumer.close()

    def _step(self) -> None:
        message = self._consumer.poll(0.02 if self._in_progress else 0.2)
        self.polled_at = time.monotonic()
        if message is not None:
            self._receive(message)
        if self.polled_at - self._committed_at > _COMMIT_SECONDS:
            self._commit_soon()
        self._apply_back_pressure()

    @property
    def _in_progress(self) -> int:
        return self._submitted - self._dispatcher.ended

    def _receive(self, message: Message) -> None:
        if error := message.error():
            _LOG.warning("Kafka: %s", error.str())
            return
        record = received_records.from_message(message)
        tracked = TrackedRecord(record.topic_partition, record.offset)
        self._tracker.track(tracked)
        decision = self._intake.decide(record)
        self._metrics.consumed.inc()
        if isinstance(decision, Skipped):
            self._metrics.skipped.labels(decision.reason).inc()
            tracked.done = True
            return
        if isinstance(decision, Accepted):
            self._metrics.read_delay.observe(_seconds_since(decision.trigger.timestamp), exemplar(decision.traceparent))
        self._submitted += 1
        self._loop.call_soon_threadsafe(self._dispatcher.submit, tracked, decision)

    def _apply_back_pressure(self) -> None:
        full = self._in_progress >= self._limits.backlog or self._tracker.span >= _MAX_SPAN
        if full and not self._paused:
            self._consumer.pause(self._consumer.assignment())
            self._set_paused(True)
        elif self._paused and self._in_progress <= self._limits.backlog // 2 and self._tracker.span < _MAX_SPAN:
            self._consumer.resume(self._consumer.assignment())
            self._set_paused(False)

    def _set_paused(self, paused: bool) -> None:
        self._paused = paused
        self._metrics.paused.set(paused)

    def _commit_soon(self) -> None:
        self._committed_at = self.polled_at
        self.joined = self.joined or bool(self._consumer.memberid())
        self._metrics.in_flight.set(self._in_progress)
        # Offsets that Kafka does not confirm, usually because of a rebalance, are committed again the next time.
        if offsets := self._tracker.committable():
            self._commit(offsets, wait=False)

    def _commit(self, positions: dict[Partition, int], *, wait: bool) -> None:
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in positions.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=not wait)  # type: ignore[call-overload]  # the stub knows only literals
        except KafkaException as error:
            _LOG.warning("offset commit failed: %s", error)

    def _on_commit(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        self._metrics.commits.labels("failed" if error else "done").inc()
        for found in partitions:
            if not (error or found.error):
                self._tracker.committed({(found.topic, found.partition): found.offset})

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.joined = True
        self._set_paused(False)  # new partitions are not paused; `_apply_back_pressure` decides again for all
        self._metrics.assigned.set(len(self._owned() | _keys(partitions)))

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._release(_keys(partitions))

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _LOG.warning("lost %d partitions: another member may own them already", len(partitions))
        self._release(_keys(partitions), commit=False)

    def _release(self, partitions: Collection[Partition], *, commit: bool = True) -> None:
        drained = asyncio.run_coroutine_threadsafe(
            self._dispatcher.drain(partitions, self._limits.drain_seconds), self._loop
        )
        drained.result()
        finished = {key: offset for key, offset in self._tracker.committable().items() if key in partitions}
        if finished and commit:
            self._commit(finished, wait=True)
        self._tracker.drop(partitions)
        self._metrics.assigned.set(len(self._owned() - set(partitions)))

    def _owned(self) -> set[Partition]:
        return _keys(self._consumer.assignment())


_CLIENT_DEFAULTS: dict[str, Any] = {
    "partition.assignment.strategy": "cooperative-sticky",
    "allow.auto.create.topics": False,
    "topic.metadata.refresh.interval.ms": 10_000,
    "fetch.wait.max.ms": 100,
}


def _keys(partitions: Iterable[TopicPartition]) -> set[Partition]:
    return {(partition.topic, partition.partition) for partition in partitions}


def _seconds_since(instant: datetime) -> float:
    # The producer's clock may be ahead of ours.
    return max(0.0, (datetime.now(UTC) - instant).total_seconds())
