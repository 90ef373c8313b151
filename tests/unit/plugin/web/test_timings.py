"""The tags of request durations are bounded, whatever the request."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind_airflow.web import timings


@given(
    method=st.text(min_size=1),
    path=st.text(),
    status=st.integers(200, 599),
    route=st.sampled_from([{}, {"route": None}, {"route": SimpleNamespace(name=None)}, {"route": object()}]),
)
def test_without_a_route_there_are_few_series(method: str, path: str, status: int, route: dict[str, object]) -> None:
    tags = timings.tags({"method": method, "path": path, **route}, status)
    assert tags["operation"] == "none"
    assert tags["method"] in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
    assert tags["status"] in {"2xx", "3xx", "4xx", "5xx"}


@pytest.mark.parametrize("status", [200, 202, 404, 503])
def test_a_route_is_tagged_with_its_name(status: int) -> None:
    scope = {"method": "GET", "path": "/workflows/a-run/status", "route": SimpleNamespace(name="workflow_status")}
    assert timings.tags(scope, status) == {
        "operation": "workflow_status",
        "method": "GET",
        "status": f"{status // 100}xx",
    }
