import logging

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from tradewind_airflow.feed.poller import TooManyWatchersError
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_airflow.web import errors
from tradewind_contracts.problems import ProblemType
from tradewind_service import error_boundary, problem_responses
from tradewind_service.error_boundary import ErrorBoundary
from tradewind_service.problem_responses import problem_error

SECRET = "password=hunter2"

RAISED = {
    "api": problem_error(ProblemType.UNKNOWN_RUN, "no such run"),
    "unauthenticated": HTTPException(401, "Not authenticated"),
    "forbidden": HTTPException(403, "Forbidden"),
    "teapot": HTTPException(418, "I am one"),
    "down": OperationalError("SELECT 1", {}, Exception(SECRET)),
    "gone": InterfaceError("SELECT 1", {}, Exception(SECRET)),
    "busy": PoolTimeoutError(SECRET),
    "unforeseen": RuntimeError(SECRET),
}


async def response_to(error: Exception) -> httpx.Response:
    """The response of a route that raises the error."""
    app = FastAPI()
    problem_responses.install(app, errors.PROBLEMS)
    app.add_middleware(ErrorBoundary)

    @app.get("/")
    def fail() -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/")


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("api", 404, "urn:tradewind:problem:unknown-run"),
        ("unauthenticated", 401, "urn:tradewind:problem:unauthenticated"),
        ("forbidden", 403, "urn:tradewind:problem:forbidden"),
        ("teapot", 418, "about:blank"),
        ("down", 503, "urn:tradewind:problem:engine-unavailable"),
        ("gone", 503, "urn:tradewind:problem:engine-unavailable"),
        ("busy", 503, "urn:tradewind:problem:engine-unavailable"),
        ("unforeseen", 500, "urn:tradewind:problem:internal"),
    ],
)
async def test_every_error_is_a_problem_without_secrets(name: str, status: int, kind: str) -> None:
    response = await response_to(RAISED[name])
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == kind
    assert SECRET not in response.text
    assert ("retry-after" in response.headers) == (status == 503)
    assert ("www-authenticate" in response.headers) == (status == 401)


async def test_an_unforeseen_error_is_logged_with_its_id(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger=error_boundary.__name__):
        detail = (await response_to(RAISED["unforeseen"])).json()["detail"]
    assert detail.rsplit(" ", 1)[1] in caplog.text


@pytest.mark.parametrize(
    ("error", "status", "kind", "detail"),
    [
        (RefusedError(ProblemType.UNKNOWN_RUN, "no DAG has it"), 404, ProblemType.UNKNOWN_RUN, "no DAG has it"),
        (RefusedError(ProblemType.STATE_CONFLICT, "wait for its end"), 409, ProblemType.STATE_CONFLICT, "wait for its"),
        (
            TooManyWatchersError("9 clients are waiting already"),
            503,
            ProblemType.ENGINE_UNAVAILABLE,
            "9 clients are waiting already",
        ),
    ],
    ids=["unknown", "refused", "too many"],
)
async def test_the_plugins_own_errors_are_problems(
    error: Exception, status: int, kind: ProblemType, detail: str
) -> None:
    response = await response_to(error)
    assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json")
    assert response.json()["type"].endswith(kind.slug)
    assert detail in response.json()["detail"]
    assert ("retry-after" in response.headers) == (status == 503)
