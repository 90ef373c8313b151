"""The last resort of every service: one behaviour, before and after the response has started."""

import logging

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from tradewind_service.error_boundary import ErrorBoundary


async def run_boundary(error: Exception, *, started: bool, scope_type: str = "http") -> list[Message]:
    sent: list[Message] = []

    async def app(_: Scope, __: Receive, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise error

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await ErrorBoundary(app)({"type": scope_type}, receive, send)
    return sent


async def test_an_unexpected_error_is_a_500_whose_id_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    sent = await run_boundary(RuntimeError("the secret"), started=False)
    assert sent[0]["status"] == 500
    [record] = caplog.records
    assert record.__dict__["error_id"].encode() in sent[1]["body"]
    assert b"the secret" not in sent[1]["body"]


async def test_once_the_response_has_begun_the_server_cuts_the_connection() -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        await run_boundary(RuntimeError("in the middle"), started=True)


@pytest.mark.parametrize("started", [False, True])
async def test_a_client_that_disconnected_is_no_error(started: bool, caplog: pytest.LogCaptureFixture) -> None:
    sent = await run_boundary(ClientDisconnect(), started=started)
    assert len(sent) == started
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_broken_start_up_is_not_hidden() -> None:
    with pytest.raises(RuntimeError):
        await run_boundary(RuntimeError(), started=False, scope_type="lifespan")
