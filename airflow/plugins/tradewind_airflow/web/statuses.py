"""Where a run is, over REST: with an ETag, and as a long poll."""

import hashlib
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response, status

from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.runs.read.status import RunDescription
from tradewind_airflow.web.waiting import AskedRun, AskedRunDep, PollerDep
from tradewind_contracts.workflows import RunStatus, WorkflowStatus

router = APIRouter(tags=["workflows"])

MAX_WAIT = 60


@dataclass(frozen=True)
class Answer:
    """A status as it is sent; `etag` is a strong one, of all that the body says."""

    row_id: int
    status: RunStatus
    body: bytes
    etag: str

    def is_known(self, tags: str) -> bool:
        """Whether `If-None-Match` names this answer (RFC 9110, section 13.1.2)."""
        named = [tag.strip().removeprefix("W/") for tag in tags.split(",")]
        return self.etag in named or "*" in named


def answer(found: RunDescription) -> Answer:
    """Return what is sent of a description."""
    body = found.status.model_dump_json().encode()
    return Answer(found.row_id, found.status.status, body, f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"')


def is_worth_telling(now: Answer, first: Answer, known: str | None) -> bool:
    """Whether a client waited for this: another answer than it knows, or another state; an end is told at once."""
    if known is not None:
        return not now.is_known(known)
    return now.status.is_terminal or now.status is not first.status


@router.get(
    "/workflows/{workflow_run_id}/status",
    response_model=WorkflowStatus,
    responses={status.HTTP_304_NOT_MODIFIED: {"description": "It is as you know it"}},
)
async def workflow_status(
    asked: AskedRunDep,
    poller: PollerDep,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for another answer")] = 0,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """Return where a run is. Runs that Tradewind did not make are answered for as well.

    With `wait` the answer comes when it is another one than `If-None-Match` names, or without that header when the
    state changes or the run has ended; else at the time's end (304, or 200 without the header).
    """
    now = answer(await asked.describe())
    if wait and not is_worth_telling(now, now, if_none_match):
        now = await _another(asked, poller, now, if_none_match, wait)
    headers = {"etag": now.etag, "cache-control": "private, no-cache"}
    if if_none_match is not None and now.is_known(if_none_match):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(now.body, headers=headers, media_type="application/json")


async def _another(asked: AskedRun, poller: Poller, first: Answer, known: str | None, wait: float) -> Answer:
    """Return the first answer that is worth telling, or the one at the time's end. Holds no thread while it waits."""
    until = time.monotonic() + wait
    with poller.watch(first.row_id) as run:
        while True:
            version = run.version
            now = answer(await asked.describe())
            left = until - time.monotonic()
            if left <= 0 or poller.is_closing or is_worth_telling(now, first, known):
                return now
            await run.beyond(version, left)
