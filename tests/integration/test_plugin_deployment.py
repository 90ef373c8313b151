"""Two API servers on one database, one of them with two processes, behind a path: what a big site runs."""

import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from support.airflow_fixtures import parse_dags
from support.airflow_server import TEST_DAGS
from support.airflow_variants import VariedServer
from support.migrated_database import migrated_database
from support.servers import temporary_home, unique
from support.statsd_sink import StatsdSink
from tradewind_contracts import run_ids
from tradewind_contracts.batches import Outcome
from tradewind_local.postgres import PostgresServer

PATH = "/team-a/airflow"
FREE: dict[str, Any] = {"workflow_id": "test_free", "workflow_type": "airflow", "parameters": {}}
TYPED: dict[str, Any] = {"workflow_id": "test_typed", "workflow_type": "airflow"}
SERIES = re.compile(
    r"airflow\.tradewind\.(triggers,outcome=(?P<outcome>[a-z]+)"
    r"|batch\.duration"
    r"|request\.duration,operation=[a-z_]+,method=(GET|HEAD|POST|OPTIONS|other),status=[2345]xx)"
)

# Three processes import Airflow at the same time.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def sink() -> Iterator[StatsdSink]:
    """Where the first server tells its metrics."""
    with StatsdSink() as listening:
        yield listening


@pytest.fixture(scope="module")
def servers(postgres_server: PostgresServer, sink: StatsdSink) -> Iterator[list[VariedServer]]:
    """The first has a path and two processes, the second neither; they share all else."""
    with temporary_home() as one_home, temporary_home() as other_home:
        shutil.copytree(TEST_DAGS, one_home / "dags")
        database = migrated_database(postgres_server, "sites")
        one = VariedServer(one_home, database, {"API__WORKERS": "2", **sink.settings}, PATH)
        parse_dags(one)
        other = VariedServer(other_home, database, {})
        with one, other:
            yield [one, other]


@pytest.fixture
def behind(servers: list[VariedServer]) -> Iterator[httpx.Client]:
    """A caller of the server that is behind a path."""
    with servers[0].client() as client:
        yield client


def test_addresses_begin_with_the_path(behind: httpx.Client) -> None:
    made = behind.post("/workflows/trigger", json=FREE)
    assert made.status_code == 202, made.text
    location = f"{PATH}/tradewind/workflows/{made.json()['workflow_run_id']}/status"
    assert made.headers["location"] == location
    assert behind.get(httpx.URL(str(behind.base_url)).copy_with(path=location)).json()["status"] == "queued"
    assert behind.get("/openapi.json").json()["servers"] == [{"url": f"{PATH}/tradewind"}]
    for page in ("/docs", "/redoc"):
        assert f'"{PATH}/tradewind/openapi.json"' in behind.get(page).text.replace("'", '"')


def test_pages_are_turned_on_any_server(servers: list[VariedServer]) -> None:
    with servers[0].client() as one, servers[1].client("ingest") as other:
        items = [FREE | {"workflow_run_id": run_ids.new()} for _ in range(4)]
        assert one.post("/workflows/trigger/batch", json={"items": items}).status_code == 200
        first = one.get("/workflows/runs", params={"limit": 2}).json()
        query = {"limit": 2, "cursor": first["next_cursor"]}
        pages = [client.get("/workflows/runs", params=query).json() for client in (one, other)]
        assert pages[0] == pages[1]
        assert not {str(run) for run in first["runs"]} & {str(run) for run in pages[0]["runs"]}


def test_one_key_makes_one_run_wherever_it_is_sent(servers: list[VariedServer]) -> None:
    for workflow in (FREE, FREE | {"workflow_id": "test_mapped"}):
        key = unique("key")
        with servers[0].client() as one, servers[1].client("ingest") as other, ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(lambda n: _trigger((one, other)[n % 2], workflow, key), range(32)))  # noqa: B023  # used before the next round
        assert {answer.status_code for answer in answers} == {202}
        (run_id,) = {answer.json()["workflow_run_id"] for answer in answers}
        assert Counter(answer.json()["deduplicated"] for answer in answers) == {False: 1, True: 31}
        assert len(servers[0].runs(run_id)) == 1
        assert len(servers[0].rows("SELECT * FROM log WHERE run_id = %s AND event = 'tradewind_trigger'", run_id)) == 1


def _trigger(client: httpx.Client, workflow: dict[str, Any], key: str) -> httpx.Response:
    return client.post("/workflows/trigger", json=workflow, headers={"Idempotency-Key": f'"{key}"'})


def test_batches_of_the_same_items_share_them_out(servers: list[VariedServer]) -> None:
    items = [FREE | {"workflow_run_id": run_ids.new()} for _ in range(40)]
    orders = [items, items[::-1], items[20:] + items[:20], items[::2] + items[1::2]]
    with servers[0].client() as one, servers[1].client("ingest") as other, ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit((one, other)[n % 2].post, "/workflows/trigger/batch", json={"items": order})
            for n, order in enumerate(orders)
        ]
        results = [result for call in calls for result in call.result().json()["items"]]
    assert Counter(result["outcome"] for result in results) == {"created": 40, "exists": 120}
    assert all(len(servers[0].runs(item["workflow_run_id"])) == 1 for item in items)


def test_nothing_that_a_caller_sends_makes_a_series_of_its_own(servers: list[VariedServer], sink: StatsdSink) -> None:
    with servers[0].client() as client:
        for n in range(20):
            client.get(f"/workflows/run-{uuid.uuid4()}/status")
            client.get(f"/{uuid.uuid4()}", params={"workflow_id": f"w{n}"})
            client.request(f"VERB{n}", "/workflows")
            client.post("/workflows/trigger", json=FREE | {"workflow_id": f"w{n}"})
    told = sink.series("airflow.tradewind.")
    assert {f"airflow.tradewind.{name}" for name in ("batch.duration", "triggers,outcome=rejected")} <= told
    assert any("operation=workflow_status" in series for series in told)
    for series in told:
        matched = SERIES.fullmatch(series)
        assert matched, series
        assert matched["outcome"] in {None, *Outcome}


def test_no_payload_gets_into_logs_audit_rows_or_metrics(servers: list[VariedServer], sink: StatsdSink) -> None:
    canary = f"canary{uuid.uuid4().hex}"
    fitting = {"isin": "US0378331005", "desk": canary}
    bodies = [
        TYPED | {"parameters": fitting},
        TYPED | {"parameters": fitting | {"isin": canary}},
        TYPED | {"parameters": fitting | {"quantity": canary, canary: 1}},
        TYPED | {"parameters": fitting, canary: canary},
        FREE | {"workflow_id": "test_mapped", "parameters": {"x": canary}},
        FREE | {"workflow_id": "test_broken", "parameters": {"x": canary}},
        FREE | {"parameters": {"x": [canary] * 3}, "priority": canary},
    ]
    headers = {"content-type": "application/json"}
    with servers[0].client() as client:
        statuses = {client.post("/workflows/trigger", json=body).status_code for body in bodies}
        assert statuses == {202, 422, 503}
        client.post("/workflows/trigger/batch", json={"items": [*bodies, canary]})
        for text in (f'{{"{canary}"', f'{{"items": [{json.dumps(canary)}', canary):
            assert client.post("/workflows/trigger", content=text, headers=headers).status_code == 400
    log = (servers[0].home / "api-server.log").read_text()
    assert " triggered 1 in " in log
    assert canary not in log
    assert canary not in str(servers[0].rows("SELECT * FROM log"))
    assert canary not in str(sink.lines())
    assert canary in str(servers[0].rows("SELECT conf FROM dag_run"))
