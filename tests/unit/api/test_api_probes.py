from datetime import datetime

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from support.facade import Facade
from tradewind_api import __version__


async def test_root_says_what_this_is(facade: Facade) -> None:
    response = await facade.client.get("/")
    assert response.json() == {"message": "Workflow Orchestration API", "version": __version__}


async def test_health_is_the_briefs_with_detail(facade: Facade) -> None:
    response = await facade.client.get("/health")
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "healthy")
    assert datetime.fromisoformat(body["timestamp"]).tzinfo
    assert body["dependencies"] == {"kafka": "up", "ledger": "up", "airflow": "up", "langgraph": "up"}


async def test_before_the_producer_has_its_id_the_facade_is_not_ready(facade: Facade) -> None:
    facade.publisher.ready = facade.publisher.connected = False
    ready = await facade.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "not ready", "waiting_for": ["kafka"]})
    health = await facade.client.get("/health")
    assert (health.status_code, health.json()["status"]) == (503, "unhealthy")
    assert health.json()["dependencies"]["kafka"] == "starting"
    assert (await facade.client.get("/livez")).json() == {"status": "alive"}


async def test_before_the_topics_were_read_the_facade_is_not_ready(facade: Facade) -> None:
    facade.progress.caught_up = False
    assert (await facade.client.get("/readyz")).json()["waiting_for"] == ["ledger"]
    assert (await facade.client.get("/health")).json()["dependencies"]["ledger"] == "catching-up"


async def test_a_broker_lost_later_is_told_and_leaves_the_facade_ready(facade: Facade) -> None:
    facade.publisher.connected = False
    health = await facade.client.get("/health")
    assert (health.status_code, health.json()["dependencies"]["kafka"]) == (200, "down")
    assert (await facade.client.get("/readyz")).json() == {"status": "ready", "waiting_for": []}


async def samples(facade: Facade, accept: str = "") -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    response = await facade.client.get("/metrics", headers={"accept": accept} if accept else {})
    assert response.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


async def test_requests_are_counted_by_template_method_and_status(facade: Facade) -> None:
    run_id = (await facade.trigger()).json()["workflow_run_id"]
    await facade.client.get(f"/workflows/{run_id}/status")
    await facade.client.get("/nowhere/at/all")
    await facade.client.request("BREW", "/health")
    found = await samples(facade)
    count = "http_request_duration_seconds_count"
    labels = [
        ("/workflows/trigger", "POST", "202"),
        ("/workflows/{workflow_run_id}/status", "GET", "200"),
        ("none", "GET", "404"),
        ("/health", "other", "405"),
    ]
    for handler, method, status in labels:
        assert found[count, (("handler", handler), ("method", method), ("status", status))] == 1
    assert found["http_requests_inprogress", ()] == 1
    assert not any(run_id in str(key) for key in found)


async def test_triggers_are_counted_by_outcome(facade: Facade) -> None:
    await facade.trigger({"idempotency-key": "a"})
    await facade.trigger({"idempotency-key": "a"})
    await facade.trigger(workflow_id="unknown")
    found = await samples(facade)
    for outcome in ("accepted", "deduplicated", "unknown-workflow"):
        assert found["tradewind_triggers_total", (("outcome", outcome),)] == 1
    assert found["tradewind_accept_seconds_count", ()] == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tradewind_ledger_runs", 1),
        ("tradewind_ledger_lag_records", 7),
        ("tradewind_ledger_caught_up", 1),
        ("tradewind_deliveries_in_flight", 0),
        ("tradewind_kafka_connected", 1),
    ],
)
async def test_gauges_are_read_when_scraped(facade: Facade, name: str, value: float) -> None:
    facade.progress.lag = 7
    await facade.trigger()
    assert (await samples(facade))[name, ()] == value


async def test_metrics_speak_openmetrics_to_who_asks_for_it(facade: Facade) -> None:
    response = await facade.client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert response.headers["content-type"].startswith("application/openmetrics-text")
    assert response.text.rstrip().endswith("# EOF")


TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(("flags", "traced"), [("01", True), ("00", False), ("zz", False)])
async def test_openmetrics_has_the_trace_of_a_request_and_of_its_acceptance(
    facade: Facade, flags: str, traced: bool
) -> None:
    await facade.trigger({"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-{flags}"})
    response = await facade.client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    found = {
        (family.name, sample.exemplar.labels["trace_id"])
        for family in openmetrics.text_string_to_metric_families(response.text)  # type: ignore[no-untyped-call]  # published untyped
        for sample in family.samples
        if sample.exemplar
    }
    wanted = {(name, TRACE_ID) for name in ("http_request_duration_seconds", "tradewind_accept_seconds")}
    assert found == (wanted if traced else set())


@pytest.mark.parametrize("outcome", ["accepted", "deduplicated", "kafka-unavailable"])
async def test_outcomes_stand_at_zero_before_the_first(facade: Facade, outcome: str) -> None:
    assert (await samples(facade))["tradewind_triggers_total", (("outcome", outcome),)] == 0
