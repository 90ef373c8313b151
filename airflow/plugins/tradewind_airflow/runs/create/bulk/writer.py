"""Many runs in one statement or three: the rows that `SerializedDAG.create_dagrun` writes, from the DAGs' templates.

Nothing of it is Airflow's promise, so whatever is not plain is left to `create_dagrun` (`templates`, `suited`), and a
test compares the rows of both ways column by column.
"""

import re
from collections import Counter
from collections.abc import Collection

from airflow._shared.observability.metrics import stats
from airflow.configuration import conf as airflow_conf
from airflow.utils.types import DagRunType
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import catalog
from tradewind_airflow.runs.create.bulk import one_statement, row_by_row
from tradewind_airflow.runs.create.bulk.run_rows import run_row, shared_contexts
from tradewind_airflow.runs.create.run_requests import Creation, RunRequest, TransactionLostError


def suited(session: Session, requests: Collection[RunRequest]) -> list[RunRequest]:
    """Return those of the requests that may be fulfilled here; for the others there is `create_dagrun`."""
    if session.get_bind().dialect.name not in row_by_row.INSERTS:
        return []
    pattern = airflow_conf.get("scheduler", "allowed_run_id_pattern").strip()
    return [request for request in requests if request.template and _is_plain_id(request.run_id, pattern)]


def _is_plain_id(run_id: str, pattern: str) -> bool:
    # What Airflow thinks of other ids, and how it says so, is its own affair.
    fits = bool(pattern) and re.match(pattern, run_id) is not None
    return fits and ".." not in run_id and DagRunType.from_run_id(run_id) is DagRunType.MANUAL


def create(session: Session, requests: Collection[RunRequest], user_name: str) -> dict[str, Creation]:
    """Make the runs, their task instances and audit rows; return by run id what became of each.

    Raises `TransactionLostError` when the database refuses a row, but for a run id that is taken.
    """
    try:
        written = _write(session, list(requests), user_name)
    except (IntegrityError, DataError) as error:
        session.rollback()
        raise TransactionLostError from error
    made = [request for request in requests if request.run_id in written]
    _count(made)
    created = dict.fromkeys((request.run_id for request in made), Creation.CREATED)
    return created | _told(session, [request for request in requests if request.run_id not in written])


def _write(session: Session, requests: list[RunRequest], user_name: str) -> set[str]:
    runs = [run_row(request, user_name) for request in requests]
    contexts = shared_contexts(runs) if session.get_bind().dialect.name == "postgresql" else None
    if contexts is None:
        return row_by_row.write(session, requests, runs, user_name)
    return one_statement.write(session, requests, runs, contexts, user_name)


def _told(session: Session, requests: Collection[RunRequest]) -> dict[str, Creation]:
    """What kept the requests from being fulfilled."""
    newest = catalog.newest(session, {request.dag.dag_id for request in requests}) if requests else {}
    current = {request.run_id for request in requests if catalog.is_newest(newest, request.dag.dag_id, request.key)}
    return {request.run_id: Creation.TAKEN if request.run_id in current else Creation.OUTDATED for request in requests}


def _count(requests: Collection[RunRequest]) -> None:
    """Count the task instances as Airflow does (`DagRun._create_task_instances`)."""
    counted: Counter[tuple[str, str]] = Counter()
    for request in requests:
        for task_type, number in request.template.task_types.items() if request.template else ():
            counted[request.dag.dag_id, task_type] += number
    for (dag_id, task_type), number in counted.items():
        tags = {"dag_id": dag_id, "run_type": DagRunType.MANUAL, "task_type": task_type}
        stats.incr("task_instance_created", number, tags=tags)
