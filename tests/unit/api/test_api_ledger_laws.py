"""What must hold of the ledger index whatever the topics hold and in whichever order they are read."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from support.ledger_steps import RUNS, dead, new_index, status, trigger
from tradewind_api import ledger_records
from tradewind_api.ledger import LedgerIndex, Run
from tradewind_service.received_records import ReceivedRecord

Feed = Callable[[LedgerIndex, ReceivedRecord], None]


@dataclass(frozen=True)
class Step:
    feed: Feed
    record: ReceivedRecord


def _steps(draw: st.DrawFn) -> list[list[Step]]:
    """What one run left in the partitions of the three topics, each in its order."""
    run_id = draw(st.sampled_from(RUNS))
    offsets = sorted(draw(st.sets(st.integers(0, 50), max_size=4)))
    triggers = [trigger(run_id, offset, n=draw(st.integers(0, 1))) for offset in offsets]
    words = draw(st.lists(st.sampled_from(["queued", "running", "succeeded", "failed"]), max_size=4))
    statuses = [status(run_id, word, draw(st.integers(0, 5)), progress=n / 10) for n, word in enumerate(words)]
    letters = [dead(found, reason=draw(st.sampled_from(["invalid-event", "conflict"]))) for found in triggers]
    return [
        [Step(ledger_records.feed_event, found) for found in triggers],
        [Step(ledger_records.feed_status, found) for found in statuses],
        [Step(ledger_records.feed_dead_letter, found) for found in letters if draw(st.booleans())],
    ]


@st.composite
def partitions(draw: st.DrawFn) -> list[list[Step]]:
    return _steps(draw)


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[Step], list[Step]]:
    """The same partitions, read in two orders."""
    stored = draw(partitions())
    return _merged(draw, stored), _merged(draw, stored)


def _merged(draw: st.DrawFn, stored: list[list[Step]]) -> list[Step]:
    queues = [list(partition) for partition in stored if partition]
    merged: list[Step] = []
    while queues:
        queue = draw(st.sampled_from(queues))
        merged.append(queue.pop(0))
        queues = [left for left in queues if left]
    return merged


def fed(steps: list[Step], **bounds: int) -> LedgerIndex:
    index = new_index(**bounds)
    for step in steps:
        step.feed(index, step.record)
    return index


def contents(index: LedgerIndex) -> dict[str, Run]:
    return {run_id: found for run_id in RUNS if (found := index.get(run_id))}


@given(interleavings())
def test_the_order_in_which_topics_are_read_does_not_matter(both: tuple[list[Step], list[Step]]) -> None:
    one, other = both
    assert contents(fed(one)) == contents(fed(other))


@given(interleavings())
def test_reading_all_again_changes_nothing(both: tuple[list[Step], list[Step]]) -> None:
    steps, _ = both
    assert contents(fed(steps + steps)) == contents(fed(steps))


@given(st.permutations(range(12)), st.integers(1, 12))
def test_the_newest_runs_are_kept_in_whichever_order_partitions_are_read(offsets: list[int], max_runs: int) -> None:
    index = new_index(max_runs)
    for offset in offsets:
        ledger_records.feed_event(index, trigger(f"run-{offset}", offset))
    kept = {offset for offset in offsets if index.get(f"run-{offset}")}
    assert kept == set(range(12 - max_runs, 12))


@given(st.lists(partitions(), max_size=6), st.integers(1, 3), st.integers(1, 1500))
def test_the_index_stays_within_its_bounds(stored: list[list[list[Step]]], max_runs: int, max_bytes: int) -> None:
    index = new_index(max_runs, max_bytes)
    for step in (step for run in stored for partition in run for step in partition):
        step.feed(index, step.record)
        kept = contents(index)
        assert len(kept) == len(index) <= max_runs
        weights = [len(run.status or b"") for run in kept.values()]
        assert sum(weights) <= max_bytes or len(weights) == 1
        assert index._bytes == sum(weights)
