from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from airflow.observability import stats
from confluent_kafka import KafkaError, KafkaException

from support.plugin_suite import BROKEN, FakePlugin, PluginSuite, cancel, item
from tradewind_airflow.ingestion.backlog import Entry
from tradewind_airflow.ingestion.decisions import GiveUp, Skip, Trigger, Work
from tradewind_airflow.ingestion.settlement import Settlement
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
        self.written: list[tuple[ReceivedRecord, GiveUp]] = []
        self.down = False

    def write(self, given_up: Sequence[tuple[ReceivedRecord, GiveUp]]) -> None:
        if self.down:
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT))
        self.written += given_up


class TestFakePlugin(PluginSuite):
    @pytest.fixture
    def plugin(self) -> FakePlugin:
        return FakePlugin()


class Desk:
    """A settlement with all its parts in reach."""

    def __init__(self) -> None:
        self.plugin = FakePlugin()
        self.letters = MemoryLetters()
        self.clock = Clock()
        self.settlement = Settlement(self.plugin, self.letters, PATIENCE, self.clock)

    def settle(self, *entries: Entry) -> bool:
        return self.settlement.settle(entries)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def entry(work: Work, offset: int = 0) -> Entry:
    return Entry.of(ReceivedRecord("topic", 0, offset, b"key", b"value"), work)


def test_a_batch_is_one_call_and_every_record_is_settled(desk: Desk) -> None:
    entries = [entry(Trigger(item())), entry(Skip("other-engine")), entry(Trigger(item())), entry(GiveUp("empty", ""))]
    assert desk.settle(*entries)
    assert all(one.done for one in entries)
    assert desk.plugin.calls == [2]
    assert [end.reason for _, end in desk.letters.written] == ["empty"]


def test_nothing_to_trigger_asks_nobody(desk: Desk) -> None:
    assert desk.settle(entry(Skip("other-engine")))
    assert desk.plugin.calls == []


def test_a_refused_trigger_is_dead_lettered_before_it_is_settled(desk: Desk) -> None:
    one = entry(Trigger(item("nobody_knows_it")))
    desk.letters.down = True
    assert not desk.settle(one)
    assert not one.done
    desk.letters.down = False
    assert desk.settle(one)
    assert one.done
    assert [end.reason for _, end in desk.letters.written] == ["unknown-workflow"]


def test_while_the_plugin_cannot_be_reached_nothing_is_settled(desk: Desk) -> None:
    entries = [entry(Trigger(item())), entry(GiveUp("empty", "")), entry(Skip("other-engine"))]
    desk.plugin.down = UnreachableError("gone")
    for _ in range(3):
        assert not desk.settle(*entries)
    assert not any(one.done for one in entries)
    assert desk.letters.written == []
    assert all(desk.clock.now < one.due <= desk.clock.now + 5 for one in entries)
    desk.plugin.down = None
    assert desk.settle(*entries)
    assert all(one.done for one in entries)


def test_an_outage_does_not_use_up_the_patience(desk: Desk) -> None:
    one = entry(Trigger(item(BROKEN)))
    desk.plugin.down = UnreachableError("gone")
    desk.settle(one)
    desk.clock.now += 10 * PATIENCE
    desk.plugin.down = None
    assert desk.settle(one)
    assert not one.done
    assert desk.letters.written == []


def test_an_unavailable_workflow_holds_its_own_record_alone(desk: Desk) -> None:
    held, free = entry(Trigger(item(BROKEN))), entry(Trigger(item()))
    assert desk.settle(held, free)
    assert free.done
    assert not held.done
    assert desk.clock.now < held.due <= desk.clock.now + 5


def test_an_unavailable_workflow_that_comes_back_runs(desk: Desk) -> None:
    held = entry(Trigger(item("test_typed")))
    desk.plugin.broken.add("test_typed")
    desk.settle(held)
    desk.plugin.broken.clear()
    desk.clock.now += PATIENCE - 1
    desk.settle(held)
    assert held.done
    assert desk.letters.written == []


def test_patience_ends_in_the_dead_letter_topic(desk: Desk) -> None:
    held = entry(Trigger(item(BROKEN)))
    desk.settle(held)
    desk.clock.now += PATIENCE
    assert desk.settle(held)
    assert held.done
    assert [end.reason for _, end in desk.letters.written] == ["workflow-unavailable"]


def test_a_cancel_comes_after_its_trigger_of_the_same_batch(desk: Desk) -> None:
    one = item()
    entries = [entry(Trigger(one)), entry(cancel(one.workflow_run_id)), entry(Trigger(item()))]
    assert desk.settle(*entries)
    assert all(each.done for each in entries)
    assert desk.plugin.calls == [2]
    assert desk.plugin.cancelled == [one.workflow_run_id]
    assert desk.letters.written == []


def test_a_cancel_waits_with_its_trigger(desk: Desk) -> None:
    one = item("test_typed")
    desk.plugin.broken.add("test_typed")
    trigger, command = entry(Trigger(one)), entry(cancel(one.workflow_run_id))
    desk.settle(trigger, command)
    assert not command.done
    assert command.due == trigger.due > desk.clock.now
    desk.plugin.broken.clear()
    desk.settle(trigger, command)
    assert trigger.done
    assert command.done
    assert desk.plugin.cancelled == [one.workflow_run_id]


def test_a_cancel_of_no_run_is_dead_lettered_after_its_trigger(desk: Desk) -> None:
    one = item("nobody_knows_it")
    assert desk.settle(entry(Trigger(one)), entry(cancel(one.workflow_run_id)))
    assert [end.reason for _, end in desk.letters.written] == ["unknown-workflow", "unknown-run"]


def test_a_cancel_while_the_plugin_is_down_is_not_lost(desk: Desk) -> None:
    one = item()
    desk.settle(entry(Trigger(one)))
    command = entry(cancel(one.workflow_run_id))
    desk.plugin.down = UnreachableError("gone")
    for _ in range(3):
        assert not desk.settle(command)
    assert not command.done
    desk.plugin.down = None
    assert desk.settle(command)
    assert desk.plugin.cancelled == [one.workflow_run_id]
    assert desk.letters.written == []


@pytest.mark.parametrize(("age", "lag"), [(2.5, 2.5), (-60.0, 0.0)])
def test_a_new_run_is_timed_from_its_event_and_a_repeat_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, age: float, lag: float
) -> None:
    timed: list[tuple[str, timedelta]] = []
    monkeypatch.setattr(stats, "timing", lambda name, value: timed.append((name, value)))
    stamped = datetime.now(UTC) - timedelta(seconds=age)
    origin = EventOrigin(event_id="e", source="s", timestamp=stamped)
    asked = item().model_copy(update={"origin": origin})
    assert desk.settle(entry(Trigger(asked)))
    assert desk.settle(entry(Trigger(asked)))
    ((name, value),) = timed
    assert name == "tradewind.ingestion.lag"
    assert value.total_seconds() == pytest.approx(lag, abs=1)
