from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as some

from tradewind_airflow.runs import priorities

PRIORITIES = some.integers(0, 10)
FIRST, LAST = datetime(2020, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001  # hypothesis wants bounds without a zone
TIMES = some.datetimes(FIRST, LAST, timezones=some.just(UTC))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@given(TIMES, PRIORITIES)
def test_a_run_is_never_put_off_nor_moved_to_another_day(created: datetime, priority: int) -> None:
    run_after = priorities.run_after(created, priority)
    assert run_after <= created
    assert run_after.date() == created.date()


@given(TIMES, PRIORITIES, PRIORITIES)
def test_of_two_runs_of_one_instant_the_higher_is_never_behind(created: datetime, one: int, other: int) -> None:
    first, second = sorted((one, other), reverse=True)
    assert priorities.run_after(created, first) <= priorities.run_after(created, second)


def test_what_has_waited_long_enough_goes_first() -> None:
    urgent = priorities.run_after(NOON, 10)
    assert urgent < priorities.run_after(NOON - timedelta(minutes=9, seconds=59), 0)
    assert urgent > priorities.run_after(NOON - timedelta(minutes=10, seconds=1), 0)


def test_the_day_is_that_of_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert priorities.run_after(datetime(2026, 11, 23, 9, 3, tzinfo=tokyo), 10) == datetime(2026, 11, 23, tzinfo=UTC)


@given(some.integers(), some.integers(), PRIORITIES, PRIORITIES)
def test_a_runs_priority_counts_for_more_than_its_tasks_weights(one: int, other: int, high: int, low: int) -> None:
    if high > low:
        assert priorities.weight(one, high) > priorities.weight(other, low)
    assert abs(priorities.weight(one, high)) < 2**31


@given(some.integers(-1000, 1000), some.integers(-1000, 1000), PRIORITIES)
def test_within_a_run_the_authors_weights_count(one: int, other: int, priority: int) -> None:
    assert (priorities.weight(one, priority) > priorities.weight(other, priority)) == (one > other)


@given(some.integers(), PRIORITIES)
def test_a_weight_may_be_raised_twice_over(own: int, priority: int) -> None:
    """The templates' rows hold weights of priority 0 already."""
    assert priorities.weight(priorities.weight(own, 0), priority) == priorities.weight(own, priority)
