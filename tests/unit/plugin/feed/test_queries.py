"""Which commit points the feed's horizon can compare."""

from datetime import UTC, datetime

import pytest

from tradewind_airflow.feed.cursors import CommitPoint, Start
from tradewind_airflow.feed.queries import HALF, Horizon

HORIZON = Horizon(Start(datetime(2026, 1, 1, tzinfo=UTC), CommitPoint("pg", 1000)), 1010)


@pytest.mark.parametrize(
    ("point", "is_known"),
    [
        (CommitPoint("pg", 1000), True),
        (CommitPoint("pg", 1010), True),
        (CommitPoint("pg", 3), True),
        # Of a cluster that was restored, or of another one.
        (CommitPoint("pg", 1011), False),
        (CommitPoint("0a1b2c3d", 5), False),
    ],
)
def test_only_points_of_one_scope_are_compared(point: CommitPoint, *, is_known: bool) -> None:
    assert HORIZON.can_compare(point) is is_known


def test_a_point_half_the_transaction_ids_away_is_not_compared() -> None:
    assert not Horizon(HORIZON.start, HALF + 10).can_compare(CommitPoint("pg", 10))
    assert Horizon(HORIZON.start, HALF + 10).can_compare(CommitPoint("pg", 11))
