"""What happened to the runs, over REST: pages behind a cursor."""

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from tradewind_airflow.feed import cursors
from tradewind_airflow.feed.cursors import MAX_LENGTH, CursorError
from tradewind_airflow.feed.pages import ChangeFeed
from tradewind_airflow.web.dependencies import CallerDep
from tradewind_airflow.web.errors import api_error
from tradewind_contracts.changes import ChangePage
from tradewind_contracts.problems import FieldError, ProblemType, pointer

router = APIRouter(tags=["workflows"])

INTERVAL = 0.2
"""Seconds from one look to the next while somebody waits."""


def change_feed(request: Request) -> ChangeFeed:
    """Return the process's feed."""
    return request.app.state.change_feed  # type: ignore[no-any-return]  # set by `create_app`


@router.get("/workflows/changes")
async def workflow_changes(
    feed: Annotated[ChangeFeed, Depends(change_feed)],
    caller: CallerDep,
    cursor: Annotated[
        str | None, Query(max_length=MAX_LENGTH, description="Of the page before; none: from now")
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="Without a cursor: begin there instead of now")] = None,
    wait: Annotated[float, Query(ge=0, le=30, description="Seconds to wait for a change")] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description="Runs whose changes a page tells at most")] = 500,
) -> ChangePage:
    """Return what happened to the runs that you may read, at least once each; `event_id` tells repeats.

    Without a cursor the page is empty: its cursor stands for now, or for `since`. DAGs tagged `tradewind-internal` are
    left out.
    """
    if since is not None and cursor is None:
        return ChangePage(events=[], cursor=cursors.encode(cursors.since(since)))
    until = time.monotonic() + wait
    while True:
        try:
            page = await asyncio.to_thread(feed.page, cursor, limit, caller.may_read)
        except CursorError as error:
            found = FieldError(pointer=pointer(["query", "cursor"]), detail=str(error))
            raise api_error(
                ProblemType.INVALID_REQUEST, "go on with the cursor of a page, or without", [found]
            ) from error
        if page.events or cursor is None or time.monotonic() >= until:
            return page
        cursor = page.cursor
        await asyncio.sleep(min(INTERVAL, max(0.0, until - time.monotonic())))
