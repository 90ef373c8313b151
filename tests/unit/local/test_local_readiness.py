"""When a part is ready."""

import pytest

from tradewind_local.readiness import is_healthy

STARTED = 1_000_000.0


def document(status: str | None, heartbeat: str | None) -> dict[str, object]:
    """Airflow's health document as far as one component goes."""
    return {"triggerer": {"status": status, "latest_triggerer_heartbeat": heartbeat}}


@pytest.mark.parametrize(
    ("status", "heartbeat", "ready"),
    [
        ("healthy", "1970-01-12T13:46:41+00:00", True),
        ("healthy", "1970-01-12T13:46:39+00:00", False),
        ("unhealthy", "1970-01-12T13:46:41+00:00", False),
        ("healthy", None, False),
        (None, None, False),
    ],
    ids=["alive", "heartbeat of the process before", "dead", "no heartbeat yet", "never ran"],
)
def test_a_component_is_ready_by_its_own_heartbeat(status: str | None, heartbeat: str | None, ready: bool) -> None:
    assert is_healthy(document(status, heartbeat), "triggerer", STARTED) is ready


def test_a_component_that_is_not_in_the_document_is_not_ready() -> None:
    assert not is_healthy({}, "scheduler", STARTED)
