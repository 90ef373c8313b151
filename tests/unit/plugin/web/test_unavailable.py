"""The app that is mounted in place of ours: the reason it gives."""

import logging

import httpx
import pytest

from tradewind_airflow.plugin import TradewindPlugin
from tradewind_airflow.web import app
from tradewind_contracts.problems import Problem


def fail() -> None:
    raise ValueError(f"amqp://u:p@ss@host is wrong: {'x' * 1000}\nsecond line")


async def test_the_reason_is_short_and_holds_no_credentials(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "create_app", fail)
    with caplog.at_level(logging.ERROR):
        (mounted,) = TradewindPlugin().fastapi_apps
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mounted["app"]), base_url="http://test") as client:
        answers = [await client.get("/workflows") for _ in range(2)]
    assert {answer.status_code for answer in answers} == {503}
    detail = Problem.model_validate_json(answers[1].content).detail or ""
    assert "ValueError: amqp://***@host is wrong: xxx" in detail
    assert len(detail) < 400
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("ERROR", None)
    assert "p@ss" not in record.getMessage() + detail
