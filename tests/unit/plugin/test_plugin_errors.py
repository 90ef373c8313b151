import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

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


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    problem_responses.install(app, errors.PROBLEMS)
    app.add_middleware(ErrorBoundary)

    @app.get("/{name}")
    def fail(name: str) -> None:
        raise RAISED[name]

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


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
async def test_every_error_is_a_problem_and_tells_no_secret(
    client: httpx.AsyncClient, name: str, status: int, kind: str
) -> None:
    answer = await client.get(f"/{name}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == kind
    assert SECRET not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert ("www-authenticate" in answer.headers) == (status == 401)


async def test_the_log_knows_an_unforeseen_error_by_its_id(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger=error_boundary.__name__):
        detail = (await client.get("/unforeseen")).json()["detail"]
    assert detail.rsplit(" ", 1)[1] in caplog.text
