"""Request durations by route, reported through Airflow's stats."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from airflow.observability import stats
from starlette.types import Scope

from tradewind_service.request_instrument import method


class RequestTimings:
    """Records requests with the timer `tradewind.request.duration`, whose tags are bounded.

    They are `operation` (the route's name, `none` if no route matches), `method`, and `status` (`2xx` to `5xx`), and
    contain no other data of a request.
    """

    def in_progress(self) -> AbstractContextManager[object]:
        """Do nothing: Airflow's stats have no gauge per process."""
        return nullcontext()

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Record a request."""
        stats.timing("tradewind.request.duration", timedelta(seconds=seconds), tags=tags(scope, status))


def tags(scope: Scope, status: int) -> dict[str, str]:
    """Return the tags of a request."""
    return {
        # If no route matches, this is the mount of the whole app, which has no name.
        "operation": getattr(scope.get("route"), "name", None) or "none",
        "method": method(scope),
        "status": f"{status // 100}xx",
    }
