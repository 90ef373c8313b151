import json
from collections.abc import AsyncIterator

import pytest

from support.facade import Facade, problem_of, trigger_body

JSON = {"content-type": "application/json"}


async def send(facade: Facade, content: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, str]:
    response = await facade.client.post("/workflows/trigger", content=content, headers=JSON | headers)
    return problem_of(response)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b"\xff{}", "not-utf8"),
        (b'{"priority": NaN}', "not-a-number"),
        (b'{"priority": 1e999}', "not-a-number"),
        (b'{"priority": 1, "priority": 2}', "duplicate-key"),
        (b'{"parameters": {"a": "\\u0000"}}', "unstorable-text"),
        (b'{"parameters": {"a": "\\ud800"}}', "unstorable-text"),
        (b'{"parameters": ' + b"[" * 40 + b"]" * 40 + b"}", "too-deep"),
        (b"[" * 100_000 + b"]" * 100_000, "too-deep"),
        (b'{"priority": ' + b"9" * 5000 + b"}", "not-a-number"),
    ],
)
async def test_what_is_not_json_as_we_take_it_is_a_400_that_names_the_fault(
    facade: Facade, body: bytes, fault: str
) -> None:
    response = await facade.client.post("/workflows/trigger", content=body, headers=JSON)
    assert problem_of(response) == (400, "malformed-body")
    assert response.json()["detail"].startswith(fault)


async def test_a_body_over_the_limit_is_a_413(facade: Facade) -> None:
    body = json.dumps(trigger_body(parameters={"isin": "X", "x": "x" * 256 * 1024})).encode()
    assert await send(facade, body) == (413, "body-too-large")


async def test_a_declared_length_over_the_limit_is_refused_before_it_is_read(facade: Facade) -> None:
    read: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"x"

    assert await send(facade, endless(), **{"content-length": "300000"}) == (413, "body-too-large")
    assert read == []


async def test_a_chunked_body_is_counted_as_it_comes(facade: Facade) -> None:
    chunks = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal chunks
        while True:
            chunks += 1
            yield b" " * 16 * 1024

    assert await send(facade, endless()) == (413, "body-too-large")
    assert chunks == 17


async def test_a_body_of_exactly_the_limit_is_taken(facade: Facade) -> None:
    body = json.dumps(trigger_body()).encode()
    padded = body + b" " * (256 * 1024 - len(body))
    response = await facade.client.post("/workflows/trigger", content=padded, headers=JSON)
    assert response.status_code == 202


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
async def test_what_does_not_say_it_is_json_is_a_415(facade: Facade, media_type: str) -> None:
    headers = {"content-type": media_type}
    response = await facade.client.post("/workflows/trigger", content=b"{}", headers=headers)
    assert problem_of(response) == (415, "unsupported-media-type")


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "Application/JSON"])
async def test_json_may_be_spelt_with_a_charset_and_in_capitals(facade: Facade, media_type: str) -> None:
    headers = {"content-type": media_type}
    body = json.dumps(trigger_body()).encode()
    assert (await facade.client.post("/workflows/trigger", content=body, headers=headers)).status_code == 202
