"""One whole stack for all end-to-end tests, and a caller of its API."""

import json
from collections.abc import Iterator

import httpx
import pytest

from support.stacks import own_stack
from support.whole_stack import WholeStack


@pytest.fixture(scope="session")
def stack() -> Iterator[WholeStack]:
    with own_stack() as running:
        running.up()
        environment = running.environment()
        token = next(iter(json.loads(environment["API_TOKENS"]).values()))
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=environment["TRADEWIND_API_URL"], headers=headers, timeout=30) as api:
            whole = WholeStack(running, environment, api)
            whole.await_workflows("example_workflow", "recon_break_resolution")
            yield whole
