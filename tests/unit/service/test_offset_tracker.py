"""Offsets move only past finished records."""

from hypothesis import given
from hypothesis import strategies as st

from tradewind_service.offset_tracker import OffsetTracker, Partition, TrackedRecord

P0, P1 = ("events", 0), ("events", 1)

Tracker = OffsetTracker[TrackedRecord]


def track(tracker: Tracker, partition: Partition, offset: int) -> TrackedRecord:
    record = TrackedRecord(partition, offset)
    tracker.track(record)
    return record


def test_nothing_to_commit_at_first() -> None:
    assert Tracker().committable() == {}


def test_a_gap_holds_back_what_is_done_after_it() -> None:
    tracker = Tracker()
    first, second, third = (track(tracker, P0, offset) for offset in (5, 6, 9))
    second.done = third.done = True
    assert tracker.committable() == {}
    assert tracker.span == 3
    assert list(tracker.unfinished()) == [first]
    first.done = True
    assert tracker.committable() == {P0: 10}
    assert tracker.span == 0


def test_partitions_move_on_their_own() -> None:
    tracker = Tracker()
    slow, quick = track(tracker, P0, 0), track(tracker, P1, 7)
    quick.done = True
    assert tracker.committable() == {P1: 8}
    assert not slow.done


def test_an_offset_is_committable_until_kafka_has_stored_it() -> None:
    tracker = Tracker()
    track(tracker, P0, 3).done = True
    assert tracker.committable() == {P0: 4}
    track(tracker, P0, 4).done = True
    assert tracker.committable() == {P0: 5}
    tracker.committed({P0: 4})
    assert tracker.committable() == {P0: 5}
    tracker.committed({P0: 5})
    assert tracker.committable() == {}


def test_a_dropped_partition_is_forgotten() -> None:
    tracker = Tracker()
    before, done = track(tracker, P0, 3), track(tracker, P1, 1)
    done.done = True
    tracker.committable()
    tracker.drop([P0, P1])
    again = track(tracker, P0, 3)
    before.done = True
    assert tracker.committable() == {}
    again.done = True
    assert tracker.committable() == {P0: 4}


@given(st.data())
def test_the_mark_is_the_oldest_unfinished_record(data: st.DataObject) -> None:
    tracker, records = Tracker(), list[TrackedRecord]()
    offsets = sorted(data.draw(st.sets(st.integers(0, 1000), min_size=1, max_size=30)))
    committed = -1
    for offset in offsets:
        records.append(track(tracker, P0, offset))
        if data.draw(st.booleans()):
            data.draw(st.sampled_from(records)).done = True
        if data.draw(st.booleans()):
            moved = tracker.committable()
            tracker.committed(moved)
            assert moved.get(P0, committed + 1) > committed
            committed = moved.get(P0, committed)
            assert all(record.offset >= committed for record in records if not record.done)
    for record in records:
        record.done = True
    assert tracker.committable().get(P0, committed) == offsets[-1] + 1
    assert tracker.span == 0
