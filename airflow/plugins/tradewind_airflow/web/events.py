"""`GET /workflows/{workflow_run_id}/events`: a run's events as Server-Sent Events (WHATWG HTML, section 9.2)."""

import time
from collections.abc import AsyncIterator
from typing import Annotated

import jwt
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.utils.session import create_session
from fastapi import APIRouter, Header, Query, Request, Response, status
from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic import BaseModel

from tradewind_airflow.feed import queries
from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.feed.run_view import RunView, unsent
from tradewind_airflow.web.dependencies import PollerDep, RequestedRunDep

router = APIRouter(tags=["workflows"])

RETRY_MS = 2000
"""After how long a client that lost the stream reconnects."""

LONGEST = 24 * 3600.0
"""Seconds after which a stream ends in any case; its client reconnects."""

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No cache stores the stream, and no nginx buffers it."""

END = format_sse_event(event="end", data_str="{}")
"""The last event: the run has ended, or was deleted."""

EventId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=100)]


class ProgressData(BaseModel):
    """The data of a `progress` event."""

    workflow_run_id: str
    progress: float


@router.get(
    "/workflows/{workflow_run_id}/events",
    # Not `EventSourceResponse`: FastAPI would take the handler for a generator, which cannot answer 204.
    response_class=Response,
    responses={
        status.HTTP_200_OK: {"content": {EventSourceResponse.media_type: {}}, "description": "Events, until the end"},
        status.HTTP_204_NO_CONTENT: {"description": "You have had the last event: do not reconnect"},
    },
)
async def workflow_events(
    request: Request,
    requested: RequestedRunDep,
    poller: PollerDep,
    last_event_id: EventId = None,
    last: Annotated[str | None, Query(alias="last_event_id", max_length=100)] = None,
) -> Response:
    """Stream a run's events until it has ended: `id` is the event's id, `event` its type, `data` the event.

    The events after `Last-Event-ID` come first, on any server: they are derived from the run's row. `progress` events
    come in between, without an id. The stream ends with the event `end`, or when the token that opened it expires.
    """
    row_id, known = await requested.locate(), last_event_id or last
    if known and is_over(await requested.lookup_threads.run(_view, row_id), known):
        return Response(status_code=status.HTTP_204_NO_CONTENT)
    # A stream that has begun can no longer be refused.
    poller.check_room()
    return EventSourceResponse(_stream(poller, row_id, known, _seconds_left(request)), headers=HEADERS)


def is_over(view: RunView, known: str) -> bool:
    """Whether a reconnecting client has received every event of an ended run."""
    return view.has_ended and view.event_ids[-1:] == [known]


def _view(row_id: int) -> RunView:
    with create_session(scoped=False) as session:
        rows = queries.by_id(session, [row_id])
        return RunView(rows[0], tuple(queries.questions(session, [row_id]).get(row_id, ()))) if rows else RunView(None)


def _seconds_left(request: Request) -> float:
    """Return how long the request's token is still valid."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    token = bearer if scheme.lower() == "bearer" else request.cookies.get(COOKIE_NAME_JWT_TOKEN, "")
    try:
        # Airflow has verified it; only its expiry is needed here.
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        return min(LONGEST, float(claims["exp"]) - time.time())
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError):
        # No token: an auth manager may allow public access.
        return LONGEST


async def _stream(poller: Poller, row_id: int, known: str | None, seconds: float) -> AsyncIterator[bytes]:
    until, heartbeat = time.monotonic() + seconds, poller.settings.heartbeat_interval
    yield format_sse_event(retry=RETRY_MS)
    with poller.watch(row_id) as run:
        position = StreamPosition(known)
        while not poller.is_closing and (left := until - time.monotonic()) > 0:
            version, view = run.version, run.view
            if view and (frames := position.frames(view)):
                yield frames
            if view and view.has_ended:
                return
            if not await run.beyond(version, min(heartbeat, left)):
                yield format_sse_event(comment="still here")


class StreamPosition:
    """What one client has received so far."""

    def __init__(self, known: str | None) -> None:
        self._last_id = known
        self._progress = 0.0

    def frames(self, view: RunView) -> bytes:
        """Return the frames of a view that the client has not received, empty if there are none."""
        if view.row is None:
            return END
        frames = [_event(view, index) for index in range(unsent(view.event_ids, self._last_id), len(view.event_ids))]
        self._last_id = view.event_ids[-1] if view.event_ids else self._last_id
        if view.has_ended:
            frames.append(END)
        elif view.progress != self._progress:
            self._progress = view.progress
            frames.append(_progress(view.row.run_id, view.progress))
        return b"".join(frames)


def _event(view: RunView, index: int) -> bytes:
    kind = f"workflow.{view.transitions[index].status}"
    return format_sse_event(event=kind, data_str=view.document(index), id=view.event_ids[index])


def _progress(run_id: str, progress: float) -> bytes:
    data = ProgressData(workflow_run_id=run_id, progress=progress)
    return format_sse_event(event="progress", data_str=data.model_dump_json())
