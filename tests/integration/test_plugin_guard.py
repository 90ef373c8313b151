"""Every route of the plugin, docs included, asks who calls, with each of Airflow's auth managers."""

import httpx
import pytest

from support.airflow_server import AirflowServer
from support.plugin_routes import Route, bad_credentials, routes

FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
]
FORMS = ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
"""What a page of another site can have a browser send without asking the server first (Fetch, "CORS-safelisted")."""


@pytest.fixture(scope="module", params=["airflow_server", "fab_server"])
def server(request: pytest.FixtureRequest) -> AirflowServer:
    """A server of each auth manager."""
    started: AirflowServer = request.getfixturevalue(request.param)
    return started


@pytest.fixture(scope="module")
def walked(server: AirflowServer) -> list[Route]:
    """Every route."""
    return routes(server)


def assert_problem(answer: httpx.Response, status: int, slug: str) -> None:
    assert answer.status_code == status, f"{answer.request.method} {answer.request.url}: {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["type"], problem["status"]) == (f"urn:tradewind:problem:{slug}", status)


def test_the_walk_finds_what_is_there(walked: list[Route]) -> None:
    known = {"GET /docs", "GET /openapi.json", "GET /workflows/runs", "POST /workflows/trigger/batch"}
    assert known <= {str(route) for route in walked}
    assert len(walked) > len(known)


def test_nobody_gets_in_without_a_valid_token(server: AirflowServer, walked: list[Route]) -> None:
    with server.client(None) as client:
        for headers in bad_credentials(server).values():
            for route in walked:
                answer = client.request(route.method, route.path, json={}, headers=headers)
                assert_problem(answer, 401, "unauthenticated")
                assert answer.headers["www-authenticate"] == "Bearer"


def test_a_user_without_a_role_gets_nothing(server: AirflowServer, walked: list[Route]) -> None:
    with server.client("stranger") as client:
        for route in walked:
            for query in ({}, {"dag_id": "test_free"}, {"workflow_id": "test_free"}):
                assert_problem(client.request(route.method, route.path, json={}, params=query), 403, "forbidden")


def test_a_page_of_another_site_changes_nothing_with_the_cookie(server: AirflowServer, walked: list[Route]) -> None:
    with server.client(None) as browser:
        browser.headers["cookie"] = f"_token={server.token('admin')}"
        changing = [route for route in walked if route.changes]
        assert changing
        for route in changing:
            for headers in FOREIGN:
                answer = browser.request(route.method, route.path, json={}, headers=headers)
                assert_problem(answer, 403, "forbidden")


def test_no_form_changes_anything(server: AirflowServer, walked: list[Route]) -> None:
    with server.client(None) as browser:
        browser.headers["cookie"] = f"_token={server.token('admin')}"
        for route in walked:
            for content_type in FORMS if route.changes else ():
                headers = {"content-type": content_type, "origin": server.url}
                answer = browser.request(route.method, route.path, content=b"{}", headers=headers)
                assert_problem(answer, 415, "unsupported-media-type")


def test_no_response_allows_another_site(server: AirflowServer, walked: list[Route]) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    with server.client(None) as browser:
        for route in walked:
            answer = browser.options(route.path, headers=headers)
            assert answer.status_code in {400, 401, 405}
            assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_uses_the_cookie(server: AirflowServer) -> None:
    body = {"workflow_id": "test_free", "workflow_type": "airflow"}
    with server.client(None) as browser:
        browser.headers["cookie"] = f"_token={server.token('admin')}"
        assert browser.get("/workflows").status_code == 200
        for headers in ({"origin": server.url}, {"origin": server.url, "sec-fetch-site": "same-origin"}):
            assert browser.post("/workflows/trigger", json=body, headers=headers).status_code == 202


def test_a_token_is_taken_from_anywhere(server: AirflowServer) -> None:
    body = {"workflow_id": "test_free", "workflow_type": "airflow"}
    with server.client("ingest") as client:
        assert client.post("/workflows/trigger", json=body, headers=FOREIGN[2]).status_code == 202
