"""The feed's statements on SQLite, which does not show open transactions: repeats after a restart, nothing missed."""

from pathlib import Path

from support import airflow_home

PROGRAM = """
import json
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType
from tradewind_airflow.feed.change_reader import ChangeReader, PollRequest
from tradewind_airflow.feed.change_feed import ChangeFeed

with create_session() as session:
    session.add(DagBundleModel(name="bundle"))
    session.flush()
    session.add(DagModel(dag_id="dag", bundle_name="bundle", is_paused=False))

def made(run_id):
    with create_session() as session:
        run = DagRun(dag_id="dag", run_id=run_id, run_type=DagRunType.MANUAL, state=DagRunState.QUEUED)
        session.add(run)
        session.flush()
        return run.id

def put(row_id, state):
    with create_session() as session:
        session.get(DagRun, row_id).state = state

def paused(is_paused):
    with create_session() as session:
        session.get(DagModel, "dag").is_paused = is_paused

feed, pages = ChangeFeed(), []

def read(cursor, may_read=lambda dag_id: True, limit=500, feed=feed):
    page = feed.page(cursor, limit, may_read)
    pages.append([(event.workflow_run_id, event.payload.status) for event in page.events])
    return page.cursor

cursor = read(None)
first = made("first")
cursor = read(cursor)
put(first, DagRunState.RUNNING)
put(first, DagRunState.SUCCESS)
cursor = read(cursor)
cursor = read(cursor)
second = made("second")
unread = read(cursor, lambda dag_id: False)
elsewhere = read(cursor, feed=ChangeFeed())
cursor = read(cursor)
paused(True)
cursor = read(cursor)
for number in range(5):
    made(f"many-{number}")
few = cursor
for _ in range(4):
    few = read(few, limit=2)

reader = ChangeReader()
every = PollRequest(frozenset({first, second, 99}), frozenset(), thorough=True, anything=True)
polled = reader.poll(every)
put(second, DagRunState.RUNNING)
after = reader.poll(PollRequest(every.watched, frozenset(), thorough=False, anything=True))
deleted = sorted(polled.read - polled.rows.keys())
polls = [sorted(polled.rows), deleted, sorted(polled.paused), sorted(after.rows), after.any_change]
print(json.dumps([pages, polls]))
"""


def test_every_state_is_reported(tmp_path: Path) -> None:
    env = airflow_home.environment(tmp_path)
    airflow_home.migrate(env)
    pages, polls = airflow_home.run(PROGRAM, env)
    assert pages[:4] == [
        [],
        [["first", "queued"]],
        [["first", "running"], ["first", "succeeded"]],
        [],
    ]
    # A caller who may read nothing; another process, which does not know what was sent; and the first one.
    assert pages[4] == []
    assert pages[5] == [["first", "queued"], ["first", "running"], ["first", "succeeded"], ["second", "queued"]]
    assert pages[6] == [["second", "queued"]]
    assert pages[7] == [["second", "held"]]
    run_ids = [run_id for page in pages[8:] for run_id, _ in page]
    assert [run_id for run_id in run_ids if run_id.startswith("many")] == [f"many-{number}" for number in range(5)]
    assert polls[:3] == [[1, 2], [99], ["dag"]]
    assert 2 in polls[3]
    assert polls[4] is True
