"""A run made in bulk is, column by column, the run that Airflow's own `create_dagrun` makes."""

import json
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support import airflow_home
from support.airflow_home import ROOT
from support.servers import new_database, temporary_home
from tradewind_airflow.runs import priorities
from tradewind_local.postgres import PostgresServer

DAGS = ROOT / "tests" / "data" / "bulk_dags"
PROGRAM = ROOT / "tests" / "support" / "made_both_ways.py"

IDENTITY = {"id", "run_id"}
TIMES = {"queued_at", "run_after", "created_at", "updated_at", "dttm"}
TRACE = "context_carrier"
PRIORITY = 3
"""What `made_both_ways` asks for."""

PRIORITIZED = ("bulk_priority", "slow_priority")
TASKS_OF_SLOW_MAPPED = 3 + 1 + 1
"""Three of the literal list, one that waits for the numbers, and the one that gives them."""

Made = dict[str, dict[str, Any]]


@pytest.fixture(scope="module", params=[False, True], ids=["untraced", "traced"])
def traced(request: pytest.FixtureRequest) -> bool:
    """Whether each task gets a span of its own, as with OpenTelemetry's tracing."""
    return bool(request.param)


@pytest.fixture(scope="module")
def printed(traced: bool, postgres_server: PostgresServer) -> Iterator[dict[str, Any]]:
    """What the program prints of the runs that it created."""
    with temporary_home() as home:
        shutil.copytree(DAGS, home / "dags")
        env = _environment(home, new_database(postgres_server, "bulk"))
        airflow_home.migrate(env)
        _run(env, "-m", "airflow", "dags", "reserialize")
        yield json.loads(_run(env, str(PROGRAM), *(["traced"] if traced else [])).splitlines()[-1])


@pytest.fixture
def made(printed: dict[str, Any]) -> Made:
    """What each DAG's two runs wrote, by DAG id."""
    dags: Made = printed["dags"]
    return dags


def _environment(home: Path, postgres: str) -> dict[str, str]:
    names = {"SQL_ALCHEMY_CONN": "psycopg2", "SQL_ALCHEMY_CONN_ASYNC": "psycopg"}
    urls = {name: f"postgresql+{driver}{postgres.removeprefix('postgresql')}" for name, driver in names.items()}
    databases = {f"AIRFLOW__DATABASE__{name}": url for name, url in urls.items()}
    return airflow_home.environment(home, AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"), **databases)


def _run(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], env=env, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def test_plain_dags_go_in_bulk_and_no_others(made: Made) -> None:
    assert {dag_id for dag_id, way in made.items() if way["in_bulk"]} == {
        dag_id for dag_id in made if dag_id.startswith("bulk_")
    }
    assert len(made) == 22
    assert made["bulk_one"]["bulk"]["runs"][0]["bundle_version"] == "v7"
    assert made["bulk_unpinned"]["bulk"]["runs"][0]["bundle_version"] is None


def test_both_ways_write_as_many_rows_into_each_table(made: Made) -> None:
    for dag_id, way in made.items():
        assert way["bulk"]["outcome"] == way["airflow"]["outcome"] == "Creation.CREATED", dag_id
        assert way["bulk"]["written"] == way["airflow"]["written"], dag_id
        assert way["bulk"]["written"]["dag_run"] == way["bulk"]["written"]["log"] == 1
    assert made["slow_deadline"]["bulk"]["written"]["deadline"] == 1
    assert made["bulk_five"]["bulk"]["written"] == {"dag_run": 1, "task_instance": 5, "log": 1}


@pytest.mark.parametrize("table", ["runs", "tasks", "log"])
def test_the_rows_of_both_ways_are_equal(made: Made, table: str) -> None:
    for dag_id, way in made.items():
        ours, airflows = way["bulk"][table], way["airflow"][table]
        assert [_constant(row) for row in ours] == [_constant(row) for row in airflows], dag_id


def test_a_runs_priority_counts_for_the_tasks_whose_rule_says_so(made: Made) -> None:
    plain, mapped = ([task["priority_weight"] for task in made[name]["bulk"]["tasks"]] for name in PRIORITIZED)
    assert plain == [3_000_007, 3_000_001, 5]
    assert mapped == [3_000_001] * 3


def test_a_run_is_queued_as_if_it_had_waited(made: Made) -> None:
    for way in made.values():
        for side in ("bulk", "airflow"):
            (run,) = way[side]["runs"]
            expected = priorities.run_after(_parsed(run["queued_at"]), PRIORITY)
            assert abs(_parsed(run["run_after"]) - expected) < timedelta(seconds=5)


def _constant(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {*IDENTITY, *TIMES, TRACE}}


def test_requests_of_all_kinds_do_not_affect_each_other(printed: dict[str, Any]) -> None:
    together = printed["together"]
    outcomes = dict(together["outcomes"])
    assert "reserved for scheduled runs" in outcomes.pop("scheduled__2026-11-23")
    assert outcomes == {
        "slow": "Creation.CREATED",
        "in-bulk": "Creation.TAKEN",
        "outdated": "Creation.OUTDATED",
        "new": "Creation.CREATED",
        "newer": "Creation.CREATED",
    }
    assert together["written"] == {"dag_run": 3, "task_instance": 5 + 5 + TASKS_OF_SLOW_MAPPED, "log": 3}


def test_times_are_set_in_the_same_columns_and_are_now(made: Made) -> None:
    for way in made.values():
        for table in ("runs", "tasks", "log"):
            for ours, airflows in zip(way["bulk"][table], way["airflow"][table], strict=True):
                for name in TIMES & ours.keys():
                    assert (ours[name] is None) == (airflows[name] is None), name
                    assert ours[name] is None or _age(ours[name]) < timedelta(minutes=5 + PRIORITY)


def _age(moment: str) -> timedelta:
    return abs(datetime.now(UTC) - _parsed(moment))


def _parsed(moment: str) -> datetime:
    parsed = datetime.fromisoformat(moment)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def test_task_instances_have_airflows_kind_of_id(made: Made) -> None:
    for way in made.values():
        for ours, airflows in zip(way["bulk"]["tasks"], way["airflow"]["tasks"], strict=True):
            assert uuid.UUID(ours["id"]).version == uuid.UUID(airflows["id"]).version == 7


def test_the_trace_context_goes_from_the_run_to_its_tasks(made: Made, traced: bool) -> None:
    for way in made.values():
        for side in ("bulk", "airflow"):
            (run,) = way[side]["runs"]
            trace = _carrier(run)
            assert trace["tracestate"] == "airflow/task_span_detail_level=2"
            tasks = [_carrier(task) for task in way[side]["tasks"]]
            assert {task["tracestate"] for task in tasks} <= {trace["tracestate"]}
            assert {_trace_id(task) for task in tasks} <= {_trace_id(trace)}
            spans = {task["traceparent"] for task in tasks} - {trace["traceparent"]}
            assert len(spans) == (len(tasks) if traced else 0)
        assert _carrier(way["bulk"]["runs"][0]) != _carrier(way["airflow"]["runs"][0])


def _trace_id(carrier: dict[str, str]) -> str:
    return carrier["traceparent"].split("-")[1]


def _carrier(row: dict[str, Any]) -> dict[str, str]:
    carrier: dict[str, str] = row[TRACE] if isinstance(row[TRACE], dict) else json.loads(row[TRACE])
    return carrier.get("__var", carrier)  # type: ignore[return-value]  # Airflow's JSON type wraps what it stores
