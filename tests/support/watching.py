"""Runs to watch, and what happens to them a little later, for the tests of statuses and streams."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tradewind_contracts import run_ids


def made(client: httpx.Client, workflow_id: str = "test_free") -> str:
    body = {"workflow_id": workflow_id, "workflow_type": "airflow", "workflow_run_id": run_ids.new()}
    (result,) = client.post("/workflows/trigger/batch", json={"items": [body]}).json()["items"]
    assert result["outcome"] == "created", result
    return str(result["workflow_run_id"])


def status(client: httpx.Client, run_id: str, etag: str | None = None, wait: float = 0) -> httpx.Response:
    headers = {"if-none-match": etag} if etag else {}
    return client.get(f"/workflows/{run_id}/status", params={"wait": wait}, headers=headers)


@contextmanager
def soon(call: Callable[[], Any], after: float = 0.6) -> Iterator[None]:
    """Do something a little later, while the block waits for it."""
    timer = threading.Timer(after, call)
    timer.start()
    yield
    timer.join()
