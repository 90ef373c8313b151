import math
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.plugin_suite import cancel, item
from tradewind_airflow.ingestion.backlog import Backlog, Entry
from tradewind_airflow.ingestion.decisions import Skip, Trigger
from tradewind_service.received_records import ReceivedRecord

A, B = ("topic", 0), ("topic", 1)


def entry(offset: int, partition: int = 0, size: int = 10) -> Entry:
    return Entry.of(ReceivedRecord("topic", partition, offset, None, b"x" * size), Skip("test"))


def filled(*entries: Entry) -> Backlog:
    backlog = Backlog()
    for one in entries:
        backlog.track(one)
    return backlog


def test_an_offset_moves_up_to_the_first_record_that_waits() -> None:
    first, second, third = entry(5), entry(6), entry(7)
    backlog = filled(first, second, third)
    assert backlog.committable() == {}
    third.done = True
    assert backlog.committable() == {}
    first.done = True
    assert backlog.committable() == {A: 6}
    second.done = True
    assert backlog.committable() == {A: 8}


def test_partitions_do_not_wait_for_each_other() -> None:
    stuck, done = entry(1), entry(9, partition=1)
    backlog = filled(stuck, done)
    done.done = True
    assert backlog.committable() == {B: 10}
    backlog.end([stuck, done])
    assert backlog.waiting() == {A}


def test_a_position_is_kept_until_kafka_has_it() -> None:
    one = entry(1)
    backlog = filled(one)
    one.done = True
    positions = backlog.committable()
    assert backlog.committable() == positions
    two = entry(2)
    backlog.track(two)
    two.done = True
    assert backlog.committable() == {A: 3}
    backlog.committed(positions)
    assert backlog.committable() == {A: 3}
    backlog.committed({A: 3})
    assert backlog.committable() == {}


def test_what_belongs_to_others_is_forgotten() -> None:
    done, waiting = entry(1), entry(2)
    backlog = filled(done, waiting, entry(1, partition=1))
    done.done = True
    assert backlog.committable() == {A: 2}
    backlog.end(list(backlog.unfinished()))
    assert backlog.waiting() == {A, B}
    backlog.drop([A])
    assert backlog.committable() == {}
    assert backlog.waiting() == {B}


def test_due_is_what_has_waited_long_enough() -> None:
    now, later = entry(1), entry(2)
    later.due = 10.0
    backlog = filled(now, later)
    assert backlog.due(9.9, 500, 1000) == [now]
    assert backlog.next_due() == 0.0
    now.done = True
    assert backlog.next_due() == 10.0
    assert backlog.due(10.0, 500, 1000) == [later]


def test_a_command_waits_for_what_its_run_waits_for() -> None:
    trigger = Entry.of(ReceivedRecord("topic", 0, 1, None, b""), Trigger(item(run_id="one")))
    trigger.due = 10.0
    command = Entry.of(ReceivedRecord("topic", 0, 2, None, b""), cancel("one"))
    other = Entry.of(ReceivedRecord("topic", 0, 3, None, b""), cancel("other"))
    backlog = filled(trigger, command, other)
    assert backlog.due(5, 500, 1000) == [other]
    other.done = True
    assert backlog.next_due() == 10.0, "else the loop would spin"
    assert backlog.due(10, 500, 1000) == [trigger, command]
    trigger.done = True
    assert backlog.due(5, 500, 1000) == [command]


def test_what_is_in_flight_is_not_due_nor_is_what_comes_after_it_in_its_run() -> None:
    trigger = Entry.of(ReceivedRecord("topic", 0, 1, None, b""), Trigger(item(run_id="one")))
    command = Entry.of(ReceivedRecord("topic", 0, 2, None, b""), cancel("one"))
    other = Entry.of(ReceivedRecord("topic", 0, 3, None, b""), cancel("other"))
    backlog = filled(trigger, command, other)
    backlog.begin([trigger])
    assert backlog.due(5, 500, 1000) == [other]
    other.done = True
    assert backlog.next_due() == math.inf
    assert backlog.read_ahead() == 1
    backlog.end([trigger])
    assert backlog.due(5, 500, 1000) == [trigger, command]
    trigger.done = True
    assert backlog.due(5, 500, 1000) == [command]


def test_what_is_tried_again_keeps_its_partition_waiting() -> None:
    one = entry(1)
    backlog = filled(one, entry(1, partition=1))
    assert backlog.waiting() == set()
    backlog.begin([one])
    assert backlog.waiting() == set(), "its first attempt"
    backlog.end([one])
    backlog.begin([one])
    assert backlog.waiting() == {A}
    one.done = True
    backlog.end([one])
    assert backlog.waiting() == set()


def test_a_batch_is_bounded_by_count_and_by_size() -> None:
    backlog = filled(*(entry(offset, size=100) for offset in range(10)))
    assert len(backlog.due(0, 3, 10_000)) == 3
    assert len(backlog.due(0, 500, 250)) == 2
    # One is always taken, however large: it would never be processed else.
    assert len(backlog.due(0, 500, 1)) == 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_whatever_is_done_in_whatever_order_no_position_passes_a_waiting_record(
    partitions: list[int], random: Random
) -> None:
    entries = [entry(offset, partition) for offset, partition in enumerate(partitions)]
    backlog = filled(*entries)
    order = list(entries)
    random.shuffle(order)
    for one in order:
        one.done = True
        for place, position in backlog.committable().items():
            below = [e for e in entries if e.record.topic_partition == place and e.record.offset < position]
            assert all(e.done for e in below)
    last = {
        place: max(e.record.offset for e in entries if e.record.topic_partition == place)
        for place in backlog.committable()
    }
    assert backlog.committable() == {place: offset + 1 for place, offset in last.items()}
