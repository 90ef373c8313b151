"""Offsets move only past finished work."""

from hypothesis import given
from hypothesis import strategies as st

from tradewind_agents.offsets import OffsetTracker, Slot

P0, P1 = ("events", 0), ("events", 1)


def test_nothing_to_commit_at_first() -> None:
    assert OffsetTracker().advance() == {}


def test_a_gap_holds_back_what_is_done_after_it() -> None:
    tracker = OffsetTracker()
    first, second, third = (tracker.track(P0, offset) for offset in (5, 6, 9))
    second.done = third.done = True
    assert tracker.advance() == {}
    assert tracker.span == 3
    first.done = True
    assert tracker.advance() == {P0: 10}
    assert tracker.advance() == {}
    assert tracker.span == 0


def test_partitions_move_on_their_own() -> None:
    tracker = OffsetTracker()
    slow, quick = tracker.track(P0, 0), tracker.track(P1, 7)
    quick.done = True
    assert tracker.advance() == {P1: 8}
    assert not slow.done


def test_a_dropped_partition_is_forgotten() -> None:
    tracker = OffsetTracker()
    before = tracker.track(P0, 3)
    tracker.drop([P0, P1])
    again = tracker.track(P0, 3)
    before.done = True
    assert tracker.advance() == {}
    again.done = True
    assert tracker.advance() == {P0: 4}


@given(st.data())
def test_the_mark_is_the_oldest_unfinished_record(data: st.DataObject) -> None:
    tracker, slots = OffsetTracker(), list[Slot]()
    offsets = sorted(data.draw(st.sets(st.integers(0, 1000), min_size=1, max_size=30)))
    committed = -1
    for offset in offsets:
        slots.append(tracker.track(P0, offset))
        if data.draw(st.booleans()):
            data.draw(st.sampled_from(slots)).done = True
        if data.draw(st.booleans()):
            moved = tracker.advance().get(P0)
            unfinished = [slot.offset for slot in slots if not slot.done]
            assert moved is None or moved > committed
            committed = moved if moved is not None else committed
            assert all(left >= committed for left in unfinished)
    for slot in slots:
        slot.done = True
    assert tracker.advance().get(P0, committed) == offsets[-1] + 1
    assert tracker.span == 0
