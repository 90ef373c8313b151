"""`GET /workflows/{workflow_run_id}/status`: a run's status, with an ETag and as a long poll."""

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status

from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.runs.read.status import RunDescription
from tradewind_airflow.web.dependencies import PollerDep, RequestedRun, RequestedRunDep
from tradewind_contracts.workflows import RunStatus, WorkflowStatus

router = APIRouter(tags=["workflows"])

MAX_WAIT = 60


@dataclass(frozen=True)
class StatusResponse:
    """A serialized status; `etag` is a strong one, of the whole body."""

    row_id: int
    status: RunStatus
    body: bytes
    etag: str

    def is_known(self, tags: str) -> bool:
        """Whether `If-None-Match` matches (RFC 9110, section 13.1.2)."""
        named = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return self.etag in named or "*" in named


def status_response(found: RunDescription) -> StatusResponse:
    """Serialize a run's status."""
    body = found.status.model_dump_json().encode()
    return StatusResponse(
        found.row_id, found.status.status, body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    )


def ends_wait(now: StatusResponse, first: StatusResponse, known: str | None) -> bool:
    """Whether a client waits for this: another ETag than its own, or another status; a terminal one ends it at once."""
    if known is not None:
        return not now.is_known(known)
    return now.status.is_terminal or now.status is not first.status


@router.get(
    "/workflows/{workflow_run_id}/status",
    response_model=WorkflowStatus,
    responses={status.HTTP_304_NOT_MODIFIED: {"description": "Not modified"}},
)
async def workflow_status(
    requested: RequestedRunDep,
    poller: PollerDep,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for a change")] = 0,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Return a run's status, also of a run that Tradewind did not create.

    With `wait` the response is sent when it no longer matches `If-None-Match`, or without that header when the status
    changes or the run has ended; else after `wait` seconds (304, or 200 without the header).
    """
    now = status_response(await requested.describe())
    if wait and not ends_wait(now, now, if_none_match):
        now = await _changed(requested, poller, now, if_none_match, wait)
    headers = {"etag": now.etag, "cache-control": "private, no-cache"}
    if if_none_match is not None and now.is_known(if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(now.body, headers=headers, media_type="application/json")


async def _changed(
    requested: RequestedRun, poller: Poller, first: StatusResponse, known: str | None, wait: float
) -> StatusResponse:
    """Return the first response that ends the wait, or the one after `wait` seconds. Holds no thread meanwhile."""
    until = time.monotonic() + wait
    with poller.watch(first.row_id) as run:
        while True:
            version = run.version
            now = status_response(await requested.describe())
            left = until - time.monotonic()
            if left <= 0 or poller.is_closing or ends_wait(now, first, known):
                return now
            await run.beyond(version, left)
