"""The lifecycle's thread on real Kafka, against a served plugin: what happens to runs is on the topic."""

import json
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from airflow.sdk import Connection

from support.airflow_server import AirflowServer
from support.ingestion import until
from support.lifecycle import WAIT, Lifecycle, headers
from support.lifecycle_suite import FeedSuite
from support.servers import new_topic
from tradewind_airflow.lifecycle.feed_client import ChangeFeedClient
from tradewind_local.kafka import KafkaBroker


@pytest.fixture
def lifecycle(kafka_broker: KafkaBroker, airflow_server: AirflowServer) -> Lifecycle:
    return Lifecycle(kafka_broker.bootstrap_servers, airflow_server, new_topic(kafka_broker, "status", partitions=6))


class RealFeed:
    """The plugin's feed, as the ingestion's user sees it."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        given = json.loads(lifecycle.server.connection())
        self.feed = ChangeFeedClient(Connection(conn_id="airflow", **given), WAIT)

    def happens(self, count: int) -> list[str]:
        return self._lifecycle.trigger(count)


class TestChangeFeed(FeedSuite):
    @pytest.fixture
    def subject(self, lifecycle: Lifecycle) -> Iterator[RealFeed]:
        real = RealFeed(lifecycle)
        yield real
        real.feed.close()


def test_every_state_of_a_run_is_published_in_order(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        good, bad = lifecycle.trigger(), lifecycle.trigger()
        lifecycle.wait_for(["queued"], *good, *bad)
        lifecycle.starts(*good, *bad)
        lifecycle.wait_for(["queued", "running"], *good, *bad)
        lifecycle.ends("success", *good)
        lifecycle.ends("failed", *bad)
        lifecycle.wait_for(["queued", "running", "succeeded"], *good)
        lifecycle.wait_for(["queued", "running", "failed"], *bad)
    [last] = [event for event in lifecycle.events() if event.workflow_run_id in good][-1:]
    assert (last.workflow_id, last.source, last.event_type) == ("test_typed", "airflow", "workflow.succeeded")
    assert last.payload.started_at
    assert last.payload.completed_at


def test_a_run_that_begins_and_ends_between_two_polls_is_published_completely(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        ids = lifecycle.trigger(3)
        lifecycle.starts(*ids)
        lifecycle.ends("success", *ids)
        lifecycle.wait_for(["queued", "running", "succeeded"], *ids)


def test_a_cleared_run_is_published_again(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        ids = lifecycle.trigger()
        lifecycle.starts(*ids)
        lifecycle.ends("failed", *ids)
        lifecycle.wait_for(["queued", "running", "failed"], *ids)
        lifecycle.clears(*ids)
        lifecycle.starts(*ids)
        lifecycle.ends("success", *ids)
        lifecycle.wait_for(["queued", "running", "failed", "queued", "running", "succeeded"], *ids)


def test_changes_during_an_outage_are_published_afterwards(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        before = lifecycle.trigger(5)
        lifecycle.wait_for(["queued"], *before)
    lifecycle.starts(*before)
    during = lifecycle.trigger(5)
    time.sleep(lifecycle.look_back + 1)
    with lifecycle.running():
        lifecycle.wait_for(["queued", "running"], *before)
        lifecycle.wait_for(["queued"], *during)


def test_a_restart_writes_nothing_again(lifecycle: Lifecycle) -> None:
    lifecycle.end_queued_runs()
    # A first start tells of each of them, and of those that it saw change once more.
    lifecycle.trigger(2000)
    with lifecycle.running():
        ids = lifecycle.trigger(50)
        lifecycle.wait_for(["queued"], *ids)
    for _ in range(2):
        with lifecycle.running():
            more = lifecycle.trigger()
            lifecycle.wait_for(["queued"], *more)
    counted = Counter(event.event_id for event in lifecycle.events())
    assert set(counted.values()) == {1}


def test_two_at_once_lose_nothing_and_keep_the_order(lifecycle: Lifecycle) -> None:
    with lifecycle.running(), lifecycle.running():
        ids = lifecycle.trigger(50)
        lifecycle.wait_for(["queued"], *ids)
        lifecycle.starts(*ids)
        lifecycle.wait_for(["queued", "running"], *ids)
    lifecycle.ends("success", *ids)
    with lifecycle.running():
        lifecycle.wait_for(["queued", "running", "succeeded"], *ids)


def test_a_first_start_publishes_earlier_changes(lifecycle: Lifecycle) -> None:
    ids = lifecycle.trigger(3)
    with lifecycle.running():
        lifecycle.wait_for(["queued"], *ids)


def test_excluded_and_internal_dags_are_not_published(lifecycle: Lifecycle) -> None:
    lifecycle.exclude = "test_fr*"
    with lifecycle.running():
        hidden, seen = lifecycle.trigger(2, "test_free"), lifecycle.trigger()
        internal = "internal-run"
        lifecycle.server.run("dags", "trigger", "test_internal", "--run-id", internal)
        later = lifecycle.trigger()
        lifecycle.wait_for(["queued"], *seen, *later)
        time.sleep(1)
    assert lifecycle.statuses(*hidden, internal) == {run_id: [] for run_id in (*hidden, internal)}


def test_a_run_of_a_paused_dag_is_held(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        ids = lifecycle.trigger(dag_id="test_paused")
        lifecycle.wait_for(["held"], *ids)


def test_one_run_is_on_one_partition_with_its_id_as_key(lifecycle: Lifecycle) -> None:
    with lifecycle.running():
        ids = lifecycle.trigger(20)
        lifecycle.starts(*ids)
        until(lambda: all(len(told) == 2 for told in lifecycle.statuses(*ids).values()))
    places: dict[bytes, set[int]] = {}
    for one in lifecycle.reader.messages():
        places.setdefault(one.key() or b"", set()).add(one.partition() or 0)
        assert {"ce_id", "ce_type", "tradewind-cursor", "tradewind-publisher"} <= dict(headers(one)).keys()
    assert {run_id.encode() for run_id in ids} <= places.keys()
    assert {len(found) for found in places.values()} == {1}
    assert len(set.union(*places.values())) > 1
