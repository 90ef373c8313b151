"""Each request is recorded once, however it ends."""

import asyncio
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tradewind_service.prometheus_metrics import RequestMetrics, exemplar
from tradewind_service.request_instrument import RequestInstrument

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


async def _nothing(_message: Message) -> None:
    pass


async def statuses(app: ASGIApp, method: str = "BREW") -> dict[str, float]:
    """How often each status was recorded of one request."""
    registry = CollectorRegistry()
    scope = {"type": "http", "method": method, "headers": []}
    with suppress(RuntimeError, asyncio.CancelledError):
        await RequestInstrument(app, RequestMetrics(registry))(scope, None, _nothing)  # type: ignore[arg-type]  # never called
    assert registry.get_sample_value("http_requests_inprogress") == 0
    samples = [sample for family in registry.collect() for sample in family.samples]
    counts = [sample for sample in samples if sample.name == "http_request_duration_seconds_count"]
    assert {sample.labels["method"] for sample in counts} == {"other"}
    return {sample.labels["status"]: sample.value for sample in counts}


async def answering(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 202, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def breaking(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError


async def breaking_off(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError


async def left_by_its_client(_scope: Scope, _receive: Receive, _send: Send) -> None:
    pass


async def cancelled(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("app", "status"),
    [(answering, "202"), (breaking, "500"), (breaking_off, "200"), (left_by_its_client, "499"), (cancelled, "499")],
)
async def test_a_request_is_recorded_once(app: ASGIApp, status: str) -> None:
    assert await statuses(app) == {status: 1}


@pytest.mark.parametrize(
    "traceparent",
    [None, "", "none", TRACEPARENT.replace("-01", "-00"), TRACEPARENT.replace("00-", "ff-", 1), TRACEPARENT + "-x"],
)
def test_a_trace_that_is_recorded_nowhere_is_no_exemplar(traceparent: str | None) -> None:
    assert exemplar(traceparent) is None


def test_a_sampled_trace_is_the_exemplar() -> None:
    assert exemplar(TRACEPARENT) == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
