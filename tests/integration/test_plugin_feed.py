"""`GET /tradewind/workflows/changes` on a real Airflow and Postgres: nothing is missed, nothing is invented."""

from typing import Any

import httpx
import psycopg
import pytest

from support.airflow_rows import CLEARED, answered, asked, ended, paused, started, task_ended
from support.airflow_server import AirflowServer
from support.changes_reader import ChangesReader, made
from support.servers import temporary_home

START = "UPDATE dag_run SET state = 'running', start_date = now(), updated_at = now() WHERE run_id = %s"


def test_without_a_cursor_it_begins_now(ingest: httpx.Client) -> None:
    (before,) = made(ingest)
    reader = ChangesReader(ingest)
    (run_id,) = made(ingest)
    reader.read()
    assert reader.statuses(run_id) == ["queued"]
    assert reader.statuses(before) == []
    assert reader.read() == []
    assert reader.received == 1


def test_an_event_says_what_the_row_says(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    (queued, running) = reader.read()
    (row,) = airflow_server.runs(run_id)
    assert (queued["source"], queued["event_type"]) == ("airflow", "workflow.queued")
    assert (queued["workflow_id"], queued["workflow_type"]) == ("test_watched", "airflow")
    assert [event["timestamp"] for event in (queued, running)] == [
        instant.isoformat().replace("+00:00", "Z") for instant in (row["queued_at"], row["start_date"])
    ]


def test_a_run_that_starts_and_ends_between_two_reads_has_all_its_states(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    reader = ChangesReader(ingest)
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id)
    assert reader.next(run_id) == ["queued", "running", "succeeded"]
    assert reader.received == 3


def test_a_run_that_is_cleared_and_run_again_between_two_reads_has_its_new_states(
    airflow_server: AirflowServer, ingest: httpx.Client
) -> None:
    reader = ChangesReader(ingest)
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    ended(airflow_server, run_id, "failed")
    assert reader.next(run_id) == ["queued", "running", "failed"]
    airflow_server.rows(CLEARED, run_id)
    started(airflow_server, run_id)
    ended(airflow_server, run_id)
    assert reader.next(run_id) == ["queued", "running", "succeeded"]


def test_a_late_commit_is_reported_however_long_it_took(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    late, early = made(ingest, count=2)
    reader = ChangesReader(ingest)
    with psycopg.connect(airflow_server.database_url) as connection:
        connection.execute(START, (late,))
        started(airflow_server, early)
        assert reader.next(early)[-1] == "running"
        assert [reader.read(wait=0.4) for _ in range(3)] == [[], [], []]
    assert reader.statuses(late) == []
    assert reader.next(late)[-1] == "running"


def test_a_late_commit_wakes_who_waits(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (late,) = made(ingest)
    reader = ChangesReader(ingest)
    with psycopg.connect(airflow_server.database_url) as connection:
        connection.execute(START, (late,))
        assert reader.read(wait=1) == []
    reader.read(wait=20)
    assert reader.statuses(late)[-1] == "running"


def test_a_rolled_back_change_is_never_reported(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    with psycopg.connect(airflow_server.database_url) as connection:
        connection.execute("UPDATE dag_run SET state = 'failed', updated_at = now() WHERE run_id = %s", (run_id,))
        reader.read(wait=0.3)
        connection.rollback()
    reader.read(wait=0.3)
    assert reader.statuses(run_id) == []


def test_pages_of_rows_with_one_stamp_miss_none(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    wanted = made(ingest, count=50)
    airflow_server.rows("UPDATE dag_run SET updated_at = now() WHERE run_id = ANY(%s)", wanted)
    pages = 0
    while reader.read(limit=7):
        pages += 1
    assert pages == 8
    assert {event["workflow_run_id"] for event in reader.seen.values()} == set(wanted)
    assert reader.received == 50


def test_a_running_run_is_not_reported_again(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    for _ in range(5):
        # As each of the scheduler's rounds does.
        airflow_server.rows("UPDATE dag_run SET updated_at = now() WHERE run_id = %s", run_id)
        reader.read()
    assert reader.statuses(run_id) == ["queued", "running"]
    assert reader.received == 2


def test_a_question_and_its_answer_are_reported(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (slow, quick) = made(ingest, count=2)
    reader = ChangesReader(ingest)
    for run_id in (slow, quick):
        started(airflow_server, run_id)
        asked(airflow_server, run_id, "step")
    answered(airflow_server, quick, "step")
    reader.read()
    assert reader.statuses(slow)[-2:] == ["running", "waiting"]
    assert reader.statuses(quick)[-3:] == ["running", "waiting", "running"]
    answered(airflow_server, slow, "step")
    assert reader.next(slow) == ["running"]
    assert reader.read() == []


def test_a_question_wakes_who_waits(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (run_id,) = made(ingest)
    started(airflow_server, run_id)
    reader = ChangesReader(ingest)
    reader.read(wait=0.5)
    asked(airflow_server, run_id, "step")
    reader.read(wait=20)
    assert reader.statuses(run_id)[-1] == "waiting"


def test_a_pause_flips_the_queued_runs_and_no_others(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    queued = made(ingest, count=5)
    (running,) = made(ingest)
    started(airflow_server, running)
    reader.read()
    assert [reader.statuses(run_id) for run_id in queued] == [["queued"]] * 5
    paused(airflow_server, "test_watched", is_paused=True)
    try:
        held = flips(reader)
        assert {event["workflow_id"] for event in held} == {"test_watched"}
        assert {event["event_type"] for event in held} == {"workflow.held"}
        told = [event["workflow_run_id"] for event in held]
        assert len(set(told)) == len(told)
        assert set(queued) <= set(told)
        assert running not in told
    finally:
        paused(airflow_server, "test_watched", is_paused=False)
    again = flips(reader)
    assert {event["event_type"] for event in again} == {"workflow.queued"}
    assert [event["workflow_run_id"] for event in again] == told


def flips(reader: ChangesReader) -> list[dict[str, Any]]:
    """All events of the pages that come, in small ones."""
    events = []
    while (page := reader.page(cursor=reader.cursor, limit=7))["events"]:
        events.extend(page["events"])
        reader.cursor = page["cursor"]
    return events


def test_another_server_goes_on_with_the_cursor(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    (first,) = made(ingest)
    reader.read()
    (second,) = made(ingest)
    with temporary_home() as home:
        other = AirflowServer(home, airflow_server.database_url, airflow_server.dags)
        with other, other.client("facade") as client:
            reader.client = client
            reader.read()
    assert (reader.statuses(first), reader.statuses(second)) == (["queued"], ["queued"])


def test_an_internal_dag_is_not_reported(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    airflow_server.rows(
        "INSERT INTO dag_run (dag_id, run_id, run_after, queued_at, updated_at, run_type, state, span_status)"
        " VALUES ('test_internal', 'internal', now(), now(), now(), 'manual', 'queued', '')"
    )
    assert reader.read() == []


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "1.5.pg.7.abc", "1.x.pg.7.abc.......", "a" * 201])
def test_what_is_no_cursor_is_refused(ingest: httpx.Client, cursor: str) -> None:
    answer = ingest.get("/workflows/changes", params={"cursor": cursor})
    assert answer.status_code == (200 if cursor == "" else 422), answer.text


def test_names_that_the_contract_cannot_carry_stop_nobody(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    reader = ChangesReader(ingest)
    for dag_id, run_id in (("prüfung", "of-another-alphabet"), ("test_watched", "with a blank")):
        airflow_server.rows(
            "INSERT INTO dag_run (dag_id, run_id, run_after, queued_at, updated_at, run_type, state, span_status)"
            " VALUES (%s, %s, now(), now(), now(), 'manual', 'queued', '')",
            dag_id,
            run_id,
        )
    (run_id,) = made(ingest)
    assert [event["workflow_run_id"] for event in reader.read()] == [run_id]


def test_a_task_that_ends_is_no_change(airflow_server: AirflowServer, ingest: httpx.Client) -> None:
    (run_id,) = made(ingest)
    reader = ChangesReader(ingest)
    task_ended(airflow_server, run_id, "step")
    assert reader.read(wait=0.5) == []
