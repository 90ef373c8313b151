"""The scrape plan in containers: every target answers, no rule fails."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.compose.callers import Callers

QUIET_SECONDS = 120


@pytest.fixture
def prometheus(callers: Callers) -> Iterator[httpx.Client]:
    """Prometheus' API."""
    with httpx.Client(base_url=f"http://{callers.project.address('prometheus', 9090)}/api/v1", timeout=30) as client:
        yield client


def down(prometheus: httpx.Client) -> list[dict[str, Any]]:
    """The targets that are not up."""
    found = prometheus.get("/targets").json()["data"]["activeTargets"]
    assert len(found) >= 9
    return [target for target in found if target["health"] != "up"]


def test_every_target_of_the_scrape_plan_is_up(prometheus: httpx.Client) -> None:
    deadline = time.monotonic() + QUIET_SECONDS
    while found := down(prometheus):
        assert time.monotonic() < deadline, f"not up: {[(one['scrapeUrl'], one['lastError']) for one in found]}"
        time.sleep(2)


def test_no_rule_fails(prometheus: httpx.Client) -> None:
    groups = prometheus.get("/rules").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 20
    assert [rule["name"] for rule in rules if rule.get("lastError")] == []


def test_alertmanager_takes_what_prometheus_sends(prometheus: httpx.Client) -> None:
    known = prometheus.get("/alertmanagers").json()["data"]["activeAlertmanagers"]
    assert [one["url"] for one in known] == ["http://alertmanager:9093/api/v2/alerts"]


def test_airflows_metrics_arrive(prometheus: httpx.Client) -> None:
    answer = prometheus.get("/query", params={"query": 'count({__name__=~"airflow_.+"})'}).json()
    assert int(answer["data"]["result"][0]["value"][1]) > 20
