import httpx
import pytest
from starlette.routing import Mount, Route

from support.facade import OTHER_TOKEN, TOKEN, Facade, client_of, problem_of
from tradewind_api.openapi import PUBLIC


def routes(facade: Facade) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for route in facade.app.routes:
        assert isinstance(route, Route), f"{route} is not looked at by this test"
        assert not isinstance(route, Mount)
        path = route.path.format(workflow_run_id="r")
        found += [(method, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


async def test_every_route_needs_a_token_unless_it_is_listed_as_public(facade: Facade) -> None:
    async with client_of(facade.app) as client:
        del client.headers["authorization"]
        answers = {(method, path): await client.request(method, path) for method, path in routes(facade)}
    assert len(answers) >= 10
    for (_, path), answer in answers.items():
        assert (answer.status_code == 401) is (path not in PUBLIC), (path, answer.status_code)
    assert {path for _, path in answers} >= PUBLIC


async def test_a_401_is_a_problem_and_says_how(facade: Facade) -> None:
    response = await anonymous(facade)
    assert problem_of(response) == (401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def anonymous(facade: Facade, *headers: tuple[bytes, bytes]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(facade.app), base_url="http://facade") as client:
        return await client.get("/workflows", headers=list(headers))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Bearer wrong-token-altogether",
        b"Bearer \xff\xfe",
        TOKEN.encode(),
        b"Basic " + TOKEN.encode(),
        b"Bearer " + TOKEN.encode()[:-1],
        b"Bearer " + TOKEN.encode() + b"x",
    ],
)
async def test_what_is_no_token_of_ours_is_a_401(facade: Facade, value: bytes) -> None:
    assert (await anonymous(facade, (b"authorization", value))).status_code == 401


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
async def test_every_callers_token_is_taken(facade: Facade, token: str) -> None:
    assert (await anonymous(facade, (b"authorization", b"bearer " + token.encode()))).status_code == 200


async def test_a_body_is_not_read_before_its_sender_is_known(facade: Facade) -> None:
    async with client_of(facade.app) as client:
        del client.headers["authorization"]
        response = await client.post("/workflows/trigger", content=b"not json", headers={"content-type": "text/plain"})
    assert response.status_code == 401
