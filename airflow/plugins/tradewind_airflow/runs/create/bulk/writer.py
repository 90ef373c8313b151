"""Many runs in one statement of Postgres: the rows that `SerializedDAG.create_dagrun` writes, from the DAGs' templates.

Airflow promises nothing of this, so whatever is not plain is left to `create_dagrun` (`templates`, `suited`), and a
test compares the rows of both ways column by column.
"""

import re
from collections import Counter
from collections.abc import Collection

from airflow.configuration import conf as airflow_conf
from airflow.observability import stats
from airflow.utils.types import DagRunType
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tradewind_airflow.runs import dags
from tradewind_airflow.runs.create.bulk import one_statement
from tradewind_airflow.runs.create.bulk.one_statement import PlainRun
from tradewind_airflow.runs.create.bulk.run_rows import run_row, task_contexts
from tradewind_airflow.runs.create.bulk.templates import RunTemplate, template_of
from tradewind_airflow.runs.create.run_requests import Creation, RunRequest, TransactionLostError
from tradewind_airflow.runs.version_cache import VersionCache

CACHED_TEMPLATES = 64


class PostgresWriter:
    """The `BulkWriter` for Postgres. One per process, shared by its threads."""

    def __init__(self) -> None:
        self._templates: VersionCache[RunTemplate | None] = VersionCache(CACHED_TEMPLATES)

    def suited(self, session: Session, requests: Collection[RunRequest]) -> list[RunRequest]:
        """Return those of the requests that it can create."""
        if session.get_bind().dialect.name != "postgresql":
            return []
        pattern = airflow_conf.get("scheduler", "allowed_run_id_pattern").strip()
        return [request for request in requests if self._template(request) and _is_plain_id(request.run_id, pattern)]

    def create(self, session: Session, requests: Collection[RunRequest], user_name: str) -> dict[str, Creation]:
        """Create the runs, their task instances and audit rows; return by run id what became of each.

        Raises `TransactionLostError` when the database refuses a row, but for a run id that is taken.
        """
        runs = [run for request in requests if (run := self._plain_run(request, user_name))]
        try:
            written = one_statement.write(session, runs, user_name)
        except (IntegrityError, DataError) as error:
            session.rollback()
            raise TransactionLostError from error
        _count([run for run in runs if run.request.run_id in written])
        missing = [request for request in requests if request.run_id not in written]
        return dict.fromkeys(written, Creation.CREATED) | _not_created(session, missing)

    def _template(self, request: RunRequest) -> RunTemplate | None:
        return self._templates.get(request.key, lambda: template_of(request.dag))

    def _plain_run(self, request: RunRequest, user_name: str) -> PlainRun | None:
        template = self._template(request)
        if template is None:
            return None
        row = run_row(request, user_name)
        return PlainRun(request, template, row, task_contexts(row, len(template.tasks)))


def _is_plain_id(run_id: str, pattern: str) -> bool:
    # Other ids are left to Airflow, which refuses some of them with a message of its own.
    fits = bool(pattern) and re.match(pattern, run_id) is not None
    return fits and ".." not in run_id and DagRunType.from_run_id(run_id) is DagRunType.MANUAL


def _not_created(session: Session, requests: Collection[RunRequest]) -> dict[str, Creation]:
    """Return why the requests got no run."""
    found = dags.find(session, {request.dag.dag_id for request in requests}) if requests else {}
    keys = {dag_id: dag.key for dag_id, dag in found.items()}
    return {
        request.run_id: Creation.TAKEN if keys.get(request.dag.dag_id) == request.key else Creation.OUTDATED
        for request in requests
    }


def _count(runs: Collection[PlainRun]) -> None:
    """Count the task instances as Airflow does (`DagRun._create_task_instances`)."""
    counted: Counter[tuple[str, str]] = Counter()
    for run in runs:
        for task_type, number in run.template.task_types.items():
            counted[run.request.dag.dag_id, task_type] += number
    for (dag_id, task_type), number in counted.items():
        tags = {"dag_id": dag_id, "run_type": DagRunType.MANUAL, "task_type": task_type}
        stats.incr("task_instance_created", number, tags=tags)
