"""What happens to a run, pushed as Server-Sent Events (WHATWG HTML, section 9.2)."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

import jwt
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.utils.session import create_session
from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel

from tradewind_airflow.feed import looks
from tradewind_airflow.feed.poller import Poller, TooManyWatchersError, WatchedRun
from tradewind_airflow.feed.views import View, unsent
from tradewind_airflow.web.waiting import AskedRunDep, PollerDep, too_many
from tradewind_contracts.events import WorkflowStatusChanged

router = APIRouter(tags=["workflows"])

RETRY_MS = 2000
"""When a client that lost the stream shall come again."""

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No cache keeps the stream, and no nginx on the way gathers it."""

EventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)]


class Progress(BaseModel):
    """The data of a `progress` event."""

    workflow_run_id: str
    progress: float


@router.get(
    "/workflows/{workflow_run_id}/events",
    # Not `EventSourceResponse`: FastAPI would take the handler for a generator, which cannot answer 204.
    response_class=Response,
    responses={
        status.HTTP_200_OK: {"content": {EventSourceResponse.media_type: {}}, "description": "Events, until the end"},
        status.HTTP_204_NO_CONTENT: {"description": "You have had the last event: do not come again"},
    },
)
async def workflow_events(
    request: Request,
    asked: AskedRunDep,
    poller: PollerDep,
    last_event_id: EventId = None,
    last: Annotated[str | None, Query(alias="last_event_id", max_length=100)] = None,
) -> Response:
    """Tell what happens to a run until it has ended: `id` is the event's id, `event` its type, `data` the event.

    The events behind `Last-Event-ID` come first, on whichever server: they are made from the run's row. `progress`
    events come in between, without an id. The stream ends with the event `end`, or with the token that opened it.
    """
    row_id, known = await asked.locate(), last_event_id or last
    if known and is_over(await asked.look_ups.run(_view, row_id), known):
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    try:
        poller.check_room()
    except TooManyWatchersError as error:
        raise too_many(error) from error
    return EventSourceResponse(_stream(poller, row_id, known, _seconds_left(request)), headers=HEADERS)


def is_over(view: View, known: str) -> bool:
    """Whether a client that comes again has had all there will be."""
    return view.has_ended and bool(view.events) and view.events[-1].event_id == known


def _view(row_id: int) -> View:
    with create_session(scoped=False) as session:
        rows = looks.by_id(session, [row_id])
        return View(rows[0], tuple(looks.questions(session, [row_id]).get(row_id, ()))) if rows else View(None)


def _seconds_left(request: Request) -> float:
    """Return how long the token is valid that the request was let in with."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    try:
        # Airflow has verified it; only its end is of interest here.
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        return float(claims["exp"]) - time.time()
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        return 0.0


async def _stream(poller: Poller, row_id: int, known: str | None, seconds: float) -> AsyncIterator[bytes]:
    until, heartbeat = time.monotonic() + seconds, poller.settings.heartbeat_interval
    yield format_sse_event(retry=RETRY_MS)
    with poller.watch(row_id) as run:
        told = Told(known)
        while not poller.is_closing and (left := until - time.monotonic()) > 0:
            version = run.version
            for frame in told.frames(run):
                yield frame
            if run.view and run.view.has_ended:
                yield format_sse_event(event="end", data_str="{}")
                return
            if not await run.beyond(version, min(heartbeat, left)):
                yield format_sse_event(comment="still here")


class Told:
    """What one client has been told."""

    def __init__(self, known: str | None) -> None:
        self._last_id = known
        self._progress: float | None = None

    def frames(self, run: WatchedRun) -> list[bytes]:
        """Return what a view has beyond it."""
        if run.view is None or run.view.row is None:
            return []
        fresh = unsent(run.view.events, self._last_id)
        if fresh:
            self._last_id = fresh[-1].event_id
        frames = [_frame(event) for event in fresh]
        if not run.view.has_ended and run.view.progress != (self._progress or 0.0):
            said = Progress(workflow_run_id=run.view.row.run_id, progress=run.view.progress)
            frames.append(format_sse_event(event="progress", data_str=said.model_dump_json()))
        self._progress = run.view.progress
        return frames


def _frame(event: WorkflowStatusChanged) -> bytes:
    return format_sse_event(event=event.event_type, data_str=event.model_dump_json(), id=event.event_id)
