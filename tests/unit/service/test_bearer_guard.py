"""Every path needs a token, but for those that are listed."""

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tradewind_service.bearer_guard import BearerGuard


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(getattr(Request(scope).state, "caller", "public"))(scope, receive, send)


async def ask(path: str, *headers: tuple[str, str], root_path: str = "") -> httpx.Response:
    guard = BearerGuard(app, {"desk": SecretStr("desk-token"), "ops": SecretStr("ops-token")}, {"/livez"})
    transport = httpx.ASGITransport(guard, root_path=root_path)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.get(path, headers=list(headers))


@pytest.mark.parametrize("path", ["/x", "/livez/", "//livez", "/%2flivez", "/LIVEZ", "/livez;a", "/x/livez"])
async def test_a_path_that_is_not_listed_needs_a_token(path: str) -> None:
    assert (await ask(path)).status_code == 401


@pytest.mark.parametrize("root_path", ["", "/api"])
async def test_a_listed_path_needs_none_also_below_a_root_path(root_path: str) -> None:
    assert (await ask(f"{root_path}/livez", root_path=root_path)).text == "public"


@pytest.mark.parametrize(
    ("value", "caller"),
    [("Bearer desk-token", "desk"), ("bearer ops-token", "ops"), ("Bearer  ops-token ", "ops")],
)
async def test_the_caller_is_known_by_its_token(value: str, caller: str) -> None:
    assert (await ask("/x", ("authorization", value))).text == caller


async def test_the_first_of_two_headers_counts() -> None:
    both = [("authorization", "Bearer no"), ("authorization", "Bearer desk-token")]
    assert (await ask("/x", *both)).status_code == 401
