"""All error responses of a service, as `application/problem+json` (RFC 9457)."""

import http.client
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from tradewind_contracts import problems
from tradewind_contracts.problems import FieldError, Problem, ProblemType

MAX_ERRORS = 50

_BY_STATUS = {
    401: ProblemType.UNAUTHENTICATED,
    403: ProblemType.FORBIDDEN,
    404: ProblemType.NOT_FOUND,
    405: ProblemType.METHOD_NOT_ALLOWED,
    413: ProblemType.BODY_TOO_LARGE,
    415: ProblemType.UNSUPPORTED_MEDIA_TYPE,
}

_WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

ToProblem = Callable[[Exception], Problem]


class ProblemError(Exception):
    """An error whose response is its problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def problem_error(
    kind: ProblemType,
    detail: str,
    *,
    errors: Iterable[FieldError] = (),
    retry_after: int | None = None,
    instance: str | None = None,
) -> ProblemError:
    """Return the error of a kind; `retry_after` is in seconds, `instance` the path of the resource."""
    found = problems.problem(kind, detail, errors=errors, retry_after=retry_after)
    found.instance = instance
    return ProblemError(found)


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response for a problem."""
    extra = {name.lower(): value for name, value in (headers or {}).items()}
    if problem.retry_after is not None:
        extra["retry-after"] = str(problem.retry_after)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        extra.setdefault("www-authenticate", "Bearer")
    return Response(problem.model_dump_json(exclude_none=True), problem.status, extra, media_type=problems.MEDIA_TYPE)


def install(app: FastAPI, own: Mapping[type[Exception], ToProblem] | None = None) -> None:
    """Make the app respond to each error with a problem; `own` maps the service's exceptions to theirs."""
    for error, to_problem in (own or {}).items():
        app.add_exception_handler(error, _handler(to_problem))
    app.add_exception_handler(ProblemError, _problem_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid_request)


def _handler(to_problem: ToProblem) -> Callable[[Request, Exception], Awaitable[Response]]:
    # Not a plain function: it would wait for a thread, of which none is free in the outage it reports.
    async def handle(_: Request, error: Exception) -> Response:
        return respond(to_problem(error))

    return handle


async def _problem_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  # registered for this class alone
    return respond(error.problem)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    if error.status_code in _WITHOUT_BODY:
        return Response(None, error.status_code, error.headers)
    detail = f"{request.method} {request.url.path}: {error.detail}"
    if kind := _BY_STATUS.get(error.status_code):
        return respond(problems.problem(kind, detail), error.headers)
    title = http.client.responses.get(error.status_code, "Unknown status")
    return respond(Problem(type="about:blank", title=title, status=error.status_code, detail=detail), error.headers)


async def _invalid_request(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    found = [FieldError(pointer=problems.pointer(e["loc"]), detail=e["msg"]) for e in error.errors()[:MAX_ERRORS]]
    detail = "the path, the query or a header of the request does not match its schema"
    return respond(problems.problem(ProblemType.INVALID_REQUEST, detail, errors=found))
