"""Delays between retries."""

import random


class Backoff:
    """Exponential back-off with equal jitter (at least half of each delay), in seconds."""

    def __init__(self, first: float = 0.2, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def next(self) -> float:
        """Return the next delay."""
        wait = delay(self._failures, self._first, self._most)
        self._failures += 1
        return wait

    def reset(self) -> None:
        """Start again with the shortest delay."""
        self._failures = 0


def delay(failures: int, first: float = 0.2, most: float = 5.0) -> float:
    """Return the delay after this many failures."""
    longest = min(most, first * 2 ** min(failures, 16))
    return random.uniform(longest / 2, longest)  # noqa: S311  # jitter is no secret
