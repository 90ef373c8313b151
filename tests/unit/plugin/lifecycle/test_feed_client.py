from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from airflow.sdk import Connection

from support.lifecycle_suite import changed
from tradewind_airflow.lifecycle.feed_client import ChangeFeedClient, CursorRefusedError
from tradewind_airflow.triggerer.errors import LoginError, UnreachableError
from tradewind_contracts.changes import ChangePage


class StubAirflow:
    """The HTTP side of an API server."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.requests: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "token"})
        assert request.url.path == "/tradewind/workflows/changes"
        assert request.headers["authorization"] == "Bearer token"
        self.requests.append(dict(request.url.params))
        return self._answer(request)

    def client(self) -> ChangeFeedClient:
        connection = Connection(conn_id="a", host="http://airflow", login="ingest", password="secret")
        return ChangeFeedClient(connection, 7, httpx.MockTransport(self))


def page(*run_ids: str) -> Callable[[httpx.Request], httpx.Response]:
    answer = ChangePage(events=[changed(run_id) for run_id in run_ids], cursor="next")
    return lambda _: httpx.Response(200, text=answer.model_dump_json())


def test_a_page_is_requested_by_cursor() -> None:
    airflow = StubAirflow(page("a", "b"))
    client = airflow.client()
    assert client.page("here").events == [changed("a"), changed("b")]
    assert airflow.requests == [{"cursor": "here", "wait": "7", "limit": "500"}]
    client.close()


def test_an_instant_is_translated_to_a_cursor() -> None:
    airflow = StubAirflow(page())
    assert airflow.client().begin(datetime(2026, 1, 2, tzinfo=UTC)) == "next"
    assert airflow.requests[0]["since"] == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, CursorRefusedError),
        (422, CursorRefusedError),
        (403, LoginError),
        (404, UnreachableError),
        (500, UnreachableError),
        (503, UnreachableError),
        (200, UnreachableError),
    ],
)
def test_an_unsuccessful_response_is_an_error(code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        StubAirflow(lambda _: httpx.Response(code, text="no")).client().page("here")
