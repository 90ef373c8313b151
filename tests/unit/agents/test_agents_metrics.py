"""The request metrics of the agents service, and their format."""

import pytest
from fastapi.testclient import TestClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tradewind_agents.app import create_app
from tradewind_agents.settings import Settings

TOKEN = "0123456789abcdef-token"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
OPENMETRICS = {"accept": "application/openmetrics-text; version=1.0.0"}


@pytest.fixture
def client() -> TestClient:
    settings = {"token": TOKEN, "database_url": "postgresql://x", "kafka_bootstrap_servers": "x:1"}
    # Without `with`: the lifespan, and so the service, does not start.
    return TestClient(create_app(Settings.model_validate(settings)), raise_server_exceptions=False)


def test_requests_are_counted_by_template_and_status_refusals_too(client: TestClient) -> None:
    known = {"Authorization": f"Bearer {TOKEN}"}
    client.get("/workflows", headers=known)
    client.get("/workflows/some-run/status", headers=known)
    client.get("/workflows")
    text = client.get("/metrics").text
    count = "http_request_duration_seconds_count"
    assert f'{count}{{handler="/workflows",method="GET",status="200"}} 1.0' in text
    # Without its service the app breaks on a look-up: an uncaught error is a 500.
    assert f'{count}{{handler="/workflows/{{workflow_run_id}}/status",method="GET",status="500"}} 1.0' in text
    assert f'{count}{{handler="none",method="GET",status="401"}} 1.0' in text
    assert "http_requests_inprogress 1.0" in text
    assert "some-run" not in text


def test_openmetrics_has_the_trace_of_a_request(client: TestClient) -> None:
    client.get("/workflows", headers={"Authorization": f"Bearer {TOKEN}", "traceparent": TRACEPARENT})
    answer = client.get("/metrics", headers=OPENMETRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    found = {
        sample.exemplar.labels["trace_id"]
        for family in text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call]  # published untyped
        for sample in family.samples
        if sample.exemplar
    }
    assert found == {TRACE_ID}
    assert TRACE_ID not in client.get("/metrics").text


def test_counters_of_known_workflows_stand_at_zero_before_their_first_run(client: TestClient) -> None:
    text = client.get("/metrics").text
    for status in ("succeeded", "failed"):
        assert f'tradewind_agents_runs_total{{status="{status}",workflow_id="settlement_fail_triage"}} 0.0' in text
    assert 'tradewind_agents_offset_commits_total{outcome="failed"} 0.0' in text
