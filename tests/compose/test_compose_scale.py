"""`--scale`: several of what may be several, and each does its part."""

from collections.abc import Iterator

import httpx
import pytest

from support.compose.callers import EXAMPLE, TRIAGE, Callers

SCALED = ("fastapi", "langgraph-service", "airflow-triggerer")


@pytest.fixture
def scaled(callers: Callers) -> Iterator[Callers]:
    """Two of each; one again afterwards is what the other tests start from."""
    callers.project.up(*(part for name in SCALED for part in ("--scale", f"{name}=2")))
    yield callers
    callers.project.up()


def test_two_of_each_are_healthy_and_share_the_work(scaled: Callers) -> None:
    for name in SCALED:
        assert [one.state for one in scaled.project.containers(name)] == ["healthy"] * 2
    sent = [scaled.trigger(body) for body in (EXAMPLE, TRIAGE) for _ in range(3)]
    scaled.check_ran_once(*sent)
    # Either of the two knows every run, also those that the other took.
    for number in (1, 2):
        address = scaled.project.compose("port", "--index", str(number), "fastapi", "8000").strip()
        said = httpx.get(f"http://{address}/workflows/{sent[0]}/status", headers=scaled.headers, timeout=30)
        assert said.json()["status"] == "succeeded"
