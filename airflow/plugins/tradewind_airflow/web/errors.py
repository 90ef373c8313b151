"""Every error that the plugin answers, as problem+json (RFC 9457), mapped in this one place.

A mounted app inherits none of Airflow's handlers (`airflow.api_fastapi.app.init_error_handlers` is for the root alone).
"""

import logging
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewind_airflow.feed.poller import TooManyWatchersError
from tradewind_airflow.runs.commands.refusals import RefusedError
from tradewind_airflow.runs.read.status import AmbiguousRunError, UnknownRunError
from tradewind_contracts import problems
from tradewind_contracts.problems import FieldError, Problem, ProblemType

logger = logging.getLogger(__name__)

RETRY_AFTER = 5
DATABASE_ERRORS = (OperationalError, InterfaceError, PoolTimeoutError)
"""Down, gone in the middle, or all its connections in use."""

_BY_STATUS = {
    401: ProblemType.UNAUTHENTICATED,
    403: ProblemType.FORBIDDEN,
    404: ProblemType.NOT_FOUND,
    405: ProblemType.METHOD_NOT_ALLOWED,
}


class ApiError(Exception):
    """What a caller is told went wrong."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def api_error(kind: ProblemType, detail: str, errors: Iterable[FieldError] = ()) -> ApiError:
    """Return the error of a kind."""
    return ApiError(problems.problem(kind, detail, errors=errors))


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that carries a problem."""
    extra = dict(headers or {})
    if problem.retry_after is not None:
        extra["retry-after"] = str(problem.retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        extra["www-authenticate"] = "Bearer"
    return Response(problem.model_dump_json(exclude_none=True), problem.status, extra, media_type=problems.MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the app answer every error it raises as a problem."""
    app.add_exception_handler(ApiError, _api_error)
    for told in (UnknownRunError, AmbiguousRunError, RefusedError, TooManyWatchersError):
        app.add_exception_handler(told, _told_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _database_error)
    app.add_middleware(ErrorBoundary)


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  # registered for this class alone
    return respond(error.problem)


async def _told_error(_: Request, error: Exception) -> Response:
    return respond(_problem(error))


def _problem(error: Exception) -> Problem:
    match error:
        case UnknownRunError():
            return problems.problem(ProblemType.UNKNOWN_RUN, "no DAG that you may read has this run")
        case AmbiguousRunError():
            detail = f"several DAGs have this run: {', '.join(error.args)}; say which one by ?workflow_id="
            return problems.problem(ProblemType.STATE_CONFLICT, detail)
        case RefusedError():
            return problems.problem(error.kind, error.detail)
        case _:
            return problems.problem(ProblemType.ENGINE_UNAVAILABLE, str(error), retry_after=RETRY_AFTER)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    detail = f"{request.method} {request.url.path}: {error.detail}"
    if kind := _BY_STATUS.get(error.status_code):
        return respond(problems.problem(kind, detail), error.headers)
    title = HTTPStatus(error.status_code).phrase
    return respond(Problem(type="about:blank", title=title, status=error.status_code, detail=detail), error.headers)


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    found = [FieldError(pointer=problems.pointer(e["loc"]), detail=e["msg"]) for e in error.errors()[:50]]
    detail = "a part of the request outside its body does not fit"
    return respond(problems.problem(ProblemType.INVALID_REQUEST, detail, errors=found))


async def _database_error(_: Request, error: Exception) -> Response:
    logger.warning("Airflow's database cannot be used: %s", type(getattr(error, "orig", error)).__name__)
    detail = "Airflow's database cannot be reached; nothing was changed that you were not told of"
    return respond(problems.problem(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=RETRY_AFTER))


class ErrorBoundary:
    """ASGI middleware: what nobody foresaw becomes a 500 with an opaque id; the detail goes to the log alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except ClientDisconnect:
            logger.info("a client went away before its body was read")
        except Exception:
            # The last resort of a server is the one place for a blind except.
            if scope["type"] != "http" or started:
                raise
            await _crash()(scope, receive, send)


def _crash() -> Response:
    error_id = str(uuid.uuid4())
    logger.exception("unforeseen error %s", error_id)
    return respond(problems.problem(ProblemType.INTERNAL, f"The log knows more under the error id {error_id}"))
