"""What a caller is told of the errors that the plugin's own parts raise."""

import httpx
import pytest
from fastapi import FastAPI

from tradewind_airflow.feed.poller import TooManyWatchersError
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_airflow.web import errors
from tradewind_contracts.problems import ProblemType
from tradewind_service import problem_responses
from tradewind_service.error_boundary import ErrorBoundary


@pytest.mark.parametrize(
    ("error", "status", "kind", "told"),
    [
        (RefusedError(ProblemType.UNKNOWN_RUN, "no DAG has it"), 404, ProblemType.UNKNOWN_RUN, "no DAG has it"),
        (RefusedError(ProblemType.STATE_CONFLICT, "wait for its end"), 409, ProblemType.STATE_CONFLICT, "wait for its"),
        (TooManyWatchersError("9 clients wait already"), 503, ProblemType.ENGINE_UNAVAILABLE, "9 clients wait already"),
    ],
    ids=["unknown", "refused", "too many"],
)
async def test_each_is_a_problem_that_says_what_to_do(
    error: Exception, status: int, kind: ProblemType, told: str
) -> None:
    answer = await answer_of(error)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"].endswith(kind.slug)
    assert told in answer.json()["detail"]
    assert ("retry-after" in answer.headers) == (status == 503)


async def answer_of(error: Exception) -> httpx.Response:
    """What a route answers that raises the error."""
    app = FastAPI()
    problem_responses.install(app, errors.PROBLEMS)
    app.add_middleware(ErrorBoundary)

    @app.get("/")
    def route() -> None:
        raise error

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.get("/")
