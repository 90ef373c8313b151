"""How long to wait before trying again."""

import random


class Backoff:
    """Doubling waits with jitter (the "equal" kind: at least half of it), in seconds."""

    def __init__(self, first: float = 0.2, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def next(self) -> float:
        """Return the next wait."""
        wait = delay(self._failures, self._first, self._most)
        self._failures += 1
        return wait

    def reset(self) -> None:
        """Start again with the shortest."""
        self._failures = 0


def delay(failures: int, first: float = 0.2, most: float = 5.0) -> float:
    """Return the wait after so many failures."""
    longest = min(most, first * 2 ** min(failures, 16))
    return random.uniform(longest / 2, longest)  # noqa: S311  # jitter is no secret
