from random import Random

from hypothesis import given
from hypothesis import strategies as st

from support.plugin_suite import cancel, item
from tradewind_airflow.ingestion.backlog import Backlog, Entry
from tradewind_airflow.ingestion.decisions import Inbound, Skip, Trigger

A, B = ("topic", 0), ("topic", 1)


def entry(offset: int, partition: int = 0, size: int = 10) -> Entry:
    return Entry(Inbound("topic", partition, offset, None, b"x" * size), Skip("test"))


def filled(*entries: Entry) -> Backlog:
    backlog = Backlog()
    for one in entries:
        backlog.add(one)
    return backlog


def test_an_offset_moves_up_to_the_first_record_that_waits() -> None:
    first, second, third = entry(5), entry(6), entry(7)
    backlog = filled(first, second, third)
    assert backlog.positions() == {}
    third.settled = True
    assert backlog.positions() == {}
    first.settled = True
    assert backlog.positions() == {A: 6}
    second.settled = True
    assert backlog.positions() == {A: 8}


def test_partitions_do_not_wait_for_each_other() -> None:
    stuck, done = entry(1), entry(9, partition=1)
    backlog = filled(stuck, done)
    done.settled = True
    assert backlog.positions() == {B: 10}
    assert backlog.waiting() == {A}


def test_a_position_is_kept_until_kafka_has_it() -> None:
    one = entry(1)
    backlog = filled(one)
    one.settled = True
    positions = backlog.positions()
    assert backlog.positions() == positions
    two = entry(2)
    backlog.add(two)
    two.settled = True
    assert backlog.positions() == {A: 3}
    backlog.committed(positions)
    assert backlog.positions() == {A: 3}
    backlog.committed({A: 3})
    assert backlog.positions() == {}


def test_what_belongs_to_others_is_forgotten() -> None:
    done, waiting = entry(1), entry(2)
    backlog = filled(done, waiting, entry(1, partition=1))
    done.settled = True
    assert backlog.positions() == {A: 2}
    backlog.forget([A])
    assert backlog.positions() == {}
    assert backlog.waiting() == {B}


def test_due_is_what_has_waited_long_enough() -> None:
    now, later = entry(1), entry(2)
    later.due = 10.0
    backlog = filled(now, later)
    assert backlog.due(9.9, 500, 1000) == [now]
    assert backlog.next_due() == 0.0
    now.settled = True
    assert backlog.next_due() == 10.0
    assert backlog.due(10.0, 500, 1000) == [later]


def test_a_command_waits_for_what_its_run_waits_for() -> None:
    trigger = Entry(Inbound("topic", 0, 1, None, b""), Trigger(item(run_id="one")), due=10.0)
    command = Entry(Inbound("topic", 0, 2, None, b""), cancel("one"))
    other = Entry(Inbound("topic", 0, 3, None, b""), cancel("other"))
    backlog = filled(trigger, command, other)
    assert backlog.due(5, 500, 1000) == [other]
    other.settled = True
    assert backlog.next_due() == 10.0, "else the loop would spin"
    assert backlog.due(10, 500, 1000) == [trigger, command]
    trigger.settled = True
    assert backlog.due(5, 500, 1000) == [command]


def test_a_batch_is_bounded_by_count_and_by_size() -> None:
    backlog = filled(*(entry(offset, size=100) for offset in range(10)))
    assert len(backlog.due(0, 3, 10_000)) == 3
    assert len(backlog.due(0, 500, 250)) == 2
    # One is always taken, however large: it would never be settled else.
    assert len(backlog.due(0, 500, 1)) == 1


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_whatever_is_settled_in_whatever_order_no_position_passes_a_waiting_record(
    partitions: list[int], random: Random
) -> None:
    entries = [entry(offset, partition) for offset, partition in enumerate(partitions)]
    backlog = filled(*entries)
    order = list(entries)
    random.shuffle(order)
    for one in order:
        one.settled = True
        for place, position in backlog.positions().items():
            below = [e for e in entries if e.record.place == place and e.record.offset < position]
            assert all(e.settled for e in below)
    last = {place: max(e.record.offset for e in entries if e.record.place == place) for place in backlog.positions()}
    assert backlog.positions() == {place: offset + 1 for place, offset in last.items()}
