"""Commands to an existing run: `POST /workflows/{id}/cancel`, `/retry`, `/priority`."""

from enum import StrEnum

from pydantic import Field

from tradewind_contracts.events import CancelMode
from tradewind_contracts.workflows import Priority, RequestModel


class CancelRequest(RequestModel):
    """How to cancel a run, and why.

    ``graceful``: running steps may finish, no further step is started. ``force``: running steps are stopped too.
    """

    mode: CancelMode = CancelMode.GRACEFUL
    reason: str | None = Field(default=None, max_length=1000)


class RetryScope(StrEnum):
    """Which steps of a run are repeated: those that failed and those that depend on them, or all."""

    FAILED = "failed"
    ALL = "all"


class RetryRequest(RequestModel):
    """Which steps of a finished run to repeat."""

    scope: RetryScope = RetryScope.FAILED


class PriorityRequest(RequestModel):
    """The new priority of a run that has not started."""

    priority: Priority
