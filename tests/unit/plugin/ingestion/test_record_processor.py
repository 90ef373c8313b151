from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from airflow.observability import stats
from confluent_kafka import KafkaError, KafkaException

from support.plugin_suite import BROKEN, FakePlugin, PluginSuite, cancel, item
from tradewind_airflow.ingestion.backlog import Entry
from tradewind_airflow.ingestion.decisions import DeadLettered, Skip, Trigger, Work
from tradewind_airflow.ingestion.record_processor import RecordProcessor
from tradewind_airflow.triggerer.errors import UnreachableError
from tradewind_contracts.batches import EventOrigin
from tradewind_service.received_records import ReceivedRecord

PATIENCE = 60.0


class Clock:
    """A clock that goes when it is told to; seconds."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class MemoryLetters:
    """Keeps dead letters."""

    def __init__(self) -> None:
        self.written: list[tuple[ReceivedRecord, DeadLettered]] = []
        self.down = False

    def write(self, dead: Sequence[tuple[ReceivedRecord, DeadLettered]]) -> None:
        if self.down:
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))
        self.written += dead


class TestFakePlugin(PluginSuite):
    @pytest.fixture
    def plugin(self) -> FakePlugin:
        return FakePlugin()


class Bench:
    """A record processor with all its parts in reach."""

    def __init__(self) -> None:
        self.plugin = FakePlugin()
        self.letters = MemoryLetters()
        self.clock = Clock()
        self.processor = RecordProcessor(self.plugin, self.letters, PATIENCE, self.clock)
        self.retry_at: float | None = None

    def process(self, *entries: Entry) -> bool:
        """Whether nothing was down."""
        processed = self.processor.process(entries)
        processed.report()
        self.retry_at = processed.retry_at
        return self.retry_at is None


@pytest.fixture
def bench() -> Bench:
    return Bench()


def entry(work: Work, offset: int = 0) -> Entry:
    return Entry.of(ReceivedRecord("topic", 0, offset, b"key", b"value"), work)


def test_a_batch_is_one_call_and_every_record_is_done(bench: Bench) -> None:
    entries = [
        entry(Trigger(item())),
        entry(Skip("other-engine")),
        entry(Trigger(item())),
        entry(DeadLettered("empty", "")),
    ]
    assert bench.process(*entries)
    assert all(one.done for one in entries)
    assert bench.plugin.calls == [2]
    assert [end.reason for _, end in bench.letters.written] == ["empty"]


def test_nothing_to_trigger_asks_nobody(bench: Bench) -> None:
    assert bench.process(entry(Skip("other-engine")))
    assert bench.plugin.calls == []


def test_a_refused_trigger_is_dead_lettered_before_it_is_done(bench: Bench) -> None:
    one = entry(Trigger(item("nobody_knows_it")))
    bench.letters.down = True
    assert not bench.process(one)
    assert not one.done
    bench.letters.down = False
    assert bench.process(one)
    assert one.done
    assert [end.reason for _, end in bench.letters.written] == ["unknown-workflow"]


def test_while_the_plugin_cannot_be_reached_nothing_is_done(bench: Bench) -> None:
    entries = [entry(Trigger(item())), entry(DeadLettered("empty", "")), entry(Skip("other-engine"))]
    bench.plugin.down = UnreachableError("gone")
    for _ in range(3):
        assert not bench.process(*entries)
    assert not any(one.done for one in entries)
    assert bench.letters.written == []
    assert bench.retry_at
    assert bench.clock.now < bench.retry_at <= bench.clock.now + 5
    bench.plugin.down = None
    assert bench.process(*entries)
    assert all(one.done for one in entries)


def test_an_outage_does_not_use_up_the_patience(bench: Bench) -> None:
    one = entry(Trigger(item(BROKEN)))
    bench.plugin.down = UnreachableError("gone")
    bench.process(one)
    bench.clock.now += 10 * PATIENCE
    bench.plugin.down = None
    assert bench.process(one)
    assert not one.done
    assert bench.letters.written == []


def test_an_unavailable_workflow_holds_its_own_record_alone(bench: Bench) -> None:
    held, free = entry(Trigger(item(BROKEN))), entry(Trigger(item()))
    assert bench.process(held, free)
    assert free.done
    assert not held.done
    assert bench.clock.now < held.due <= bench.clock.now + 5


def test_an_unavailable_workflow_that_comes_back_runs(bench: Bench) -> None:
    held = entry(Trigger(item("test_typed")))
    bench.plugin.broken.add("test_typed")
    bench.process(held)
    bench.plugin.broken.clear()
    bench.clock.now += PATIENCE - 1
    bench.process(held)
    assert held.done
    assert bench.letters.written == []


def test_patience_ends_in_the_dead_letter_topic(bench: Bench) -> None:
    held = entry(Trigger(item(BROKEN)))
    bench.process(held)
    bench.clock.now += PATIENCE
    assert bench.process(held)
    assert held.done
    assert [end.reason for _, end in bench.letters.written] == ["workflow-unavailable"]


def test_a_cancel_comes_after_its_trigger_of_the_same_batch(bench: Bench) -> None:
    one = item()
    entries = [entry(Trigger(one)), entry(cancel(one.workflow_run_id)), entry(Trigger(item()))]
    assert bench.process(*entries)
    assert all(each.done for each in entries)
    assert bench.plugin.calls == [2]
    assert bench.plugin.cancelled == [one.workflow_run_id]
    assert bench.letters.written == []


def test_a_cancel_waits_with_its_trigger(bench: Bench) -> None:
    one = item("test_typed")
    bench.plugin.broken.add("test_typed")
    trigger, command = entry(Trigger(one)), entry(cancel(one.workflow_run_id))
    bench.process(trigger, command)
    assert not command.done
    assert command.due == trigger.due > bench.clock.now
    bench.plugin.broken.clear()
    bench.process(trigger, command)
    assert trigger.done
    assert command.done
    assert bench.plugin.cancelled == [one.workflow_run_id]


def test_a_cancel_of_no_run_is_dead_lettered_after_its_trigger(bench: Bench) -> None:
    one = item("nobody_knows_it")
    assert bench.process(entry(Trigger(one)), entry(cancel(one.workflow_run_id)))
    assert [end.reason for _, end in bench.letters.written] == ["unknown-workflow", "unknown-run"]


def test_a_cancel_while_the_plugin_is_down_is_not_lost(bench: Bench) -> None:
    one = item()
    bench.process(entry(Trigger(one)))
    command = entry(cancel(one.workflow_run_id))
    bench.plugin.down = UnreachableError("gone")
    for _ in range(3):
        assert not bench.process(command)
    assert not command.done
    bench.plugin.down = None
    assert bench.process(command)
    assert bench.plugin.cancelled == [one.workflow_run_id]
    assert bench.letters.written == []


@pytest.mark.parametrize(("age", "lag"), [(2.5, 2.5), (-60.0, 0.0)])
def test_a_new_run_is_timed_from_its_event_and_a_repeat_is_not(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, age: float, lag: float
) -> None:
    timed: list[tuple[str, timedelta]] = []
    monkeypatch.setattr(stats, "timing", lambda name, value: timed.append((name, value)))
    stamped = datetime.now(UTC) - timedelta(seconds=age)
    origin = EventOrigin(event_id="e", source="s", timestamp=stamped)
    asked = item().model_copy(update={"origin": origin})
    assert bench.process(entry(Trigger(asked)))
    assert bench.process(entry(Trigger(asked)))
    ((name, value),) = timed
    assert name == "tradewind.ingestion.lag"
    assert value.total_seconds() == pytest.approx(lag, abs=1)
