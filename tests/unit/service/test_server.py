import gc
from typing import Any

import pytest
import uvicorn

from tradewind_service import server


async def _app(*_: Any) -> None:
    """Answer nothing."""


def test_a_full_collection_does_not_visit_what_was_there_before_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen: list[int] = []
    monkeypatch.setattr(uvicorn, "run", lambda *_, **__: frozen.append(gc.get_freeze_count()))
    try:
        server.serve(_app, "127.0.0.1", 0)
    finally:
        gc.unfreeze()
    assert frozen[0] > 10_000
