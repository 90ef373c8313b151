"""`GET /workflows/changes`: the change feed in pages behind a cursor."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from tradewind_airflow.feed import cursors
from tradewind_airflow.feed.change_feed import ChangeFeed
from tradewind_airflow.feed.cursors import MAX_LENGTH, CursorError
from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.web.dependencies import CallerDep, LookupThreads, LookupThreadsDep, PollerDep
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.problems import FieldError, ProblemType, pointer
from tradewind_service.problem_responses import problem_error

router = APIRouter(tags=["workflows"])


@dataclass(frozen=True)
class ChangePageReader:
    """Reads pages of the change feed for one caller."""

    feed: ChangeFeed
    poller: Poller
    lookup_threads: LookupThreads
    caller: Caller

    async def page(self, cursor: str | None, limit: int) -> ChangePage:
        """Return the page behind a cursor; raise `ProblemError` (422) for an invalid one."""
        try:
            return await self.lookup_threads.run(self.feed.page, cursor, limit, self.caller.may_read)
        except CursorError as error:
            found = FieldError(pointer=pointer(["query", "cursor"]), detail=str(error))
            detail = "unknown cursor; use the cursor of a page, or none"
            raise problem_error(ProblemType.INVALID_REQUEST, detail, errors=[found]) from error

    async def next_page(self, cursor: str, limit: int, wait: float) -> ChangePage:
        """Return the first page with events, or the page after `wait` seconds. Holds no thread while it waits."""
        until = time.monotonic() + wait
        with self.poller.follow_all() as anything:
            while True:
                version = anything.version
                page = await self.page(cursor, limit)
                left = until - time.monotonic()
                if page.events or left <= 0 or self.poller.is_closing:
                    return page
                # A page without events may be one of several: only the last of them waits.
                if page.cursor == cursor or not cursors.decode(page.cursor).is_in_sweep:
                    await anything.beyond(version, left)
                cursor = page.cursor


def reader(
    request: Request, poller: PollerDep, lookup_threads: LookupThreadsDep, caller: CallerDep
) -> ChangePageReader:
    """Return the reader of this one request."""
    return ChangePageReader(request.app.state.change_feed, poller, lookup_threads, caller)


@router.get("/workflows/changes")
async def workflow_changes(
    reader: Annotated[ChangePageReader, Depends(reader)],
    cursor: Annotated[
        str | None, Query(max_length=MAX_LENGTH, description="Cursor of the previous page; none: from now")
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="Without a cursor: begin there instead of now")] = None,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for a change")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of runs whose changes are on a page")] = 500,
) -> ChangePage:
    """Return the status changes of the runs that you may read, at least once each; `event_id` identifies repeats.

    Without a cursor the page is empty: its cursor is for now, or for `since`. DAGs tagged `tradewind-internal` are left
    out.
    """
    if since is not None and cursor is None:
        return ChangePage(events=[], cursor=cursors.encode(cursors.since(since)))
    if cursor is None or not wait:
        return await reader.page(cursor, limit)
    return await reader.next_page(cursor, limit, wait)
