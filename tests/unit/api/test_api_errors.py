import logging
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException

from support.facade import Facade, facade_settings, problem_of


async def test_no_such_path_is_a_problem(facade: Facade) -> None:
    response = await facade.client.get("/nowhere")
    assert problem_of(response) == (404, "not-found")
    assert "/nowhere" in response.json()["detail"]


async def test_no_such_method_is_a_problem_that_keeps_allow(facade: Facade) -> None:
    response = await facade.client.delete("/workflows/trigger")
    assert problem_of(response) == (405, "method-not-allowed")
    assert response.headers["allow"] == "POST"


async def test_a_status_without_a_type_of_its_own_is_about_blank(facade: Facade) -> None:
    async def teapot() -> None:
        raise HTTPException(418, "short and stout")

    facade.app.add_api_route("/health/teapot", teapot)
    response = await facade.client.get("/health/teapot")
    assert response.json()["type"] == "about:blank"
    assert (response.status_code, response.json()["title"]) == (418, "I'm a Teapot")


async def test_what_nobody_foresaw_is_a_500_with_an_id_and_no_detail(
    facade: Facade, caplog: pytest.LogCaptureFixture
) -> None:
    facade.airflow.on_status = _break
    response = await facade.client.get("/workflows/r/status")
    assert problem_of(response) == (500, "internal")
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.__dict__["error_id"] in response.json()["detail"]
    assert "the secret" not in response.text
    assert "the secret" in str(record.exc_info)


def _break(_: str) -> None:
    raise RuntimeError("the secret")


def preflight(origin: str) -> dict[str, Any]:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    return {"method": "OPTIONS", "url": "/workflows/trigger", "headers": headers}


async def test_no_origin_is_allowed_by_default(facade: Facade) -> None:
    response = await facade.client.request(**preflight("https://desk.example"))
    assert "access-control-allow-origin" not in response.headers


async def test_listed_origins_are_allowed_and_see_errors_too() -> None:
    async with Facade().running(facade_settings(cors_origins=["https://desk.example"])) as facade:
        allowed = await facade.client.request(**preflight("https://desk.example"))
        assert allowed.headers["access-control-allow-origin"] == "https://desk.example"
        refused = await facade.client.request(**preflight("https://evil.example"))
        assert "access-control-allow-origin" not in refused.headers
        facade.airflow.on_status = _break
        broken: httpx.Response = await facade.client.get("/workflows/r/status", headers=ORIGIN)
        assert broken.status_code == 500
        assert broken.headers["access-control-allow-origin"] == "https://desk.example"


ORIGIN = {"origin": "https://desk.example"}
