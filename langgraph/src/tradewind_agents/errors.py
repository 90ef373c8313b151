"""Every error answer is a problem (RFC 9457)."""

import logging
import uuid
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg.errors import UndefinedTable
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tradewind_agents import database
from tradewind_contracts.problems import MEDIA_TYPE, FieldError, Problem, ProblemType, pointer, problem

_LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 5
_BY_STATUS = {404: ProblemType.NOT_FOUND, 405: ProblemType.METHOD_NOT_ALLOWED}


class UnknownRunError(LookupError):
    """There is no run of this id here."""


def problem_response(found: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer that holds a problem."""
    retry = {"Retry-After": str(found.retry_after)} if found.retry_after else {}
    body = found.model_dump_json(exclude_none=True)
    return Response(body, found.status, {**(headers or {}), **retry}, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Give the app its error answers."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(UnknownRunError, _unknown_run)
    for outage in (*database.OUTAGES, UndefinedTable):  # no table: Postgres has not answered since the start
        app.add_exception_handler(outage, _outage)
    app.add_exception_handler(Exception, _internal)


def _http(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code, ProblemType.INTERNAL)
    return problem_response(problem(kind, str(error.detail)), error.headers)


def _invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [FieldError(pointer=pointer(e["loc"]), detail=e["msg"]) for e in error.errors()[:50]]
    return problem_response(problem(ProblemType.INVALID_REQUEST, "see `errors`", errors=errors))


def _unknown_run(_request: Request, error: Exception) -> Response:
    return problem_response(problem(ProblemType.UNKNOWN_RUN, str(error)))


def _outage(_request: Request, error: Exception) -> Response:
    _LOG.warning("Postgres does not answer: %s", error)
    detail = "the database of runs does not answer"
    return problem_response(problem(ProblemType.ENGINE_UNAVAILABLE, detail, retry_after=_RETRY_SECONDS))


def _internal(_request: Request, error: Exception) -> Response:
    error_id = uuid.uuid4().hex[:12]
    _LOG.error("error %s", error_id, exc_info=error)
    return problem_response(problem(ProblemType.INTERNAL, f"look for error {error_id} in the log"))
