"""Every status keeps its own, and the services' own errors need no thread."""

import threading

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

from tradewind_contracts.problems import Problem, ProblemType, problem
from tradewind_service import problem_responses


class OwnError(Exception):
    """A service's own."""


THREADS: list[str] = []


def to_problem(_: Exception) -> Problem:
    THREADS.append(threading.current_thread().name)
    return problem(ProblemType.ENGINE_UNAVAILABLE, "later", retry_after=7)


async def answer_to(error: Exception) -> httpx.Response:
    app = FastAPI()
    problem_responses.install(app, {OwnError: to_problem})

    @app.get("/")
    async def fail() -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.get("/")


@pytest.mark.parametrize("status", [400, 402, 404, 409, 418, 429, 451, 499, 500, 502, 520, 599])
async def test_an_http_error_keeps_its_status(status: int) -> None:
    response = await answer_to(HTTPException(status, "why"))
    assert (response.status_code, response.json()["status"]) == (status, status)
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_a_body_gets_none(status: int) -> None:
    assert (await answer_to(HTTPException(status))).content == b""


async def test_a_services_own_error_is_answered_on_the_event_loop() -> None:
    response = await answer_to(OwnError())
    assert (response.status_code, response.headers["retry-after"]) == (503, "7")
    assert [threading.main_thread().name] == THREADS


async def test_a_401_names_one_scheme() -> None:
    response = await answer_to(HTTPException(401, headers={"WWW-Authenticate": "Basic"}))
    assert response.headers.get_list("www-authenticate") == ["Basic"]
