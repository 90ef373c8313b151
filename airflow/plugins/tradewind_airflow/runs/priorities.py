"""What a run's priority (0-10) does: to its place among the queued runs, and to its tasks' place in their pool.

Pure functions, shared by all that creates a run or changes its priority.
"""

from datetime import UTC, datetime, timedelta

AGING = timedelta(minutes=1)
"""What one step of priority counts for, in time waited: a run of priority 10 overtakes what waited under 10 minutes."""

STEP = 1_000_000
"""What one step of priority adds to a task's weight."""

LARGEST_WEIGHT = STEP // 2 - 1
"""Of a task by its author. A larger one is cut, so that a run's priority always counts for more than its tasks'."""


def run_after(created_at: datetime, priority: int) -> datetime:
    """Return the `run_after` by which Airflow queues a run among the others that wait.

    It is never in the future, and no run starves: one that has waited longer than `10 * AGING` goes first. The UTC day
    stays the one on which the run was made, as DAGs without a logical date take their day from `run_after`.
    """
    created_at = created_at.astimezone(UTC)
    midnight = created_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(midnight, created_at - priority * AGING)


def weight(own: int, priority: int) -> int:
    """Return the `priority_weight` of a task whose author gave it the weight `own`; it fits 32 bits.

    Airflow starts waiting tasks by the highest weight, whichever runs they are of.
    """
    return max(-LARGEST_WEIGHT, min(LARGEST_WEIGHT, own)) + priority * STEP
