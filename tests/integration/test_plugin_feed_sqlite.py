"""The feed's statements on SQLite, where no transaction can be asked for: repeats after a restart, nothing missed."""

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
from tradewind_airflow.feed.looker import Looker, Wanted
from tradewind_airflow.feed.pages import ChangeFeed

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

feed, told = ChangeFeed(), []

def read(cursor, may_read=lambda dag_id: True, limit=500, feed=feed):
    page = feed.page(cursor, limit, may_read)
    told.append([(event.workflow_run_id, event.payload.status) for event in page.events])
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

looker = Looker()
every = Wanted(frozenset({first, second, 99}), frozenset(), thorough=True, anything=True)
look = looker.look(every)
put(second, DagRunState.RUNNING)
after = looker.look(Wanted(every.watched, frozenset(), thorough=False, anything=True))
looked = [sorted(look.rows), sorted(look.read - look.rows.keys()), sorted(look.paused), sorted(after.rows), after.news]
print(json.dumps([told, looked]))
"""


def test_every_state_is_told(tmp_path: Path) -> None:
    env = airflow_home.environment(tmp_path)
    airflow_home.migrate(env)
    told, looked = airflow_home.run(PROGRAM, env)
    assert told[:4] == [
        [],
        [["first", "queued"]],
        [["first", "running"], ["first", "succeeded"]],
        [],
    ]
    # Somebody who may read nothing; another process, which does not know what was told; and the one that does.
    assert told[4] == []
    assert told[5] == [["first", "queued"], ["first", "running"], ["first", "succeeded"], ["second", "queued"]]
    assert told[6] == [["second", "queued"]]
    assert told[7] == [["second", "held"]]
    pages = [run_id for page in told[8:] for run_id, _ in page]
    assert [run_id for run_id in pages if run_id.startswith("many")] == [f"many-{number}" for number in range(5)]
    assert looked[:3] == [[1, 2], [99], ["dag"]]
    assert 2 in looked[3]
    assert looked[4] is True
