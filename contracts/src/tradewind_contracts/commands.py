"""What may be asked of a run that exists: `POST /workflows/{id}/cancel`, `/retry`, `/priority`."""

from enum import StrEnum

from pydantic import Field

from tradewind_contracts.events import CancelMode
from tradewind_contracts.workflows import Priority, RequestModel


class CancelRequest(RequestModel):
    """How a run shall end, and why.

    ``graceful``: steps that run may end, none is started any more. ``force``: steps that run are ended too.
    """

    mode: CancelMode = CancelMode.GRACEFUL
    reason: str | None = Field(default=None, max_length=1000)


class RetryScope(StrEnum):
    """Which steps of a run are done again: those that failed and what waited for them, or all."""

    FAILED = "failed"
    ALL = "all"


class RetryRequest(RequestModel):
    """What shall be done again of a run that has ended."""

    scope: RetryScope = RetryScope.FAILED


class PriorityRequest(RequestModel):
    """The priority that a run, which has not begun, shall have from now on."""

    priority: Priority
