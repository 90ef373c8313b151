"""How long requests take, by route, through Airflow's own stats."""

from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta

from airflow.observability import stats
from starlette.types import Scope

from tradewind_service.request_instrument import method


class RequestTimings:
    """The recorder of requests: the timer `tradewind.request.duration`, whose tags are bounded.

    They are `operation` (the route's name, `none` where no route matches), `method`, and `status` (`2xx` to `5xx`).
    Nothing of what a request carries is in them.
    """

    def in_progress(self) -> AbstractContextManager[object]:
        """Count nothing: Airflow's stats have no gauge that goes up and down by process."""
        return nullcontext()

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """Record a request."""
        stats.timing("tradewind.request.duration", timedelta(seconds=seconds), tags=tags(scope, status))


def tags(scope: Scope, status: int) -> dict[str, str]:
    """Return the tags of a request."""
    return {
        # Where none of our routes matches, this is the mount of the whole app, which has no name.
        "operation": getattr(scope.get("route"), "name", None) or "none",
        "method": method(scope),
        "status": f"{status // 100}xx",
    }
