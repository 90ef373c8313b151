"""Commands runs on SQLite from several threads at once, and prints what became of it, as JSON.

A program of its own (`python steered_sqlite.py`): Airflow binds to one database for the life of a process.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from airflow.models.dagrun import DagRun
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from sqlalchemy import select, update

from tradewind_airflow.runs.commands.cancel import cancel
from tradewind_airflow.runs.commands.priority import set_priority
from tradewind_airflow.runs.commands.retry import retry
from tradewind_airflow.runs.create.service import TriggerService
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.refusals import RefusedError
from tradewind_contracts.batches import BatchItem
from tradewind_contracts.commands import CancelRequest, RetryScope
from tradewind_contracts.workflows import WorkflowType

THREADS = 4


class Anybody:
    """A caller who may do all."""

    name = "anybody"

    def may_trigger(self, dag_id: str) -> bool:
        """As `Caller`."""
        return bool(dag_id)

    may_read = may_change = may_trigger


CALLER: Any = Anybody()


def at_once(command: Callable[[], object]) -> list[str]:
    """What a command answers to four callers."""

    def told(_: int) -> str:
        try:
            return str(command())
        except RefusedError as refused:
            return refused.kind.slug

    with ThreadPoolExecutor(THREADS) as pool:
        return sorted(pool.map(told, range(THREADS)))


def rows(run_id: str) -> dict[str, Any]:
    """What the database holds of a run."""
    with create_session() as session:
        run = session.scalars(select(DagRun).where(DagRun.run_id == run_id)).one()
        states = session.scalars(select(TaskInstance.state).where(TaskInstance.run_id == run_id)).all()
        events = session.scalars(select(Log.event).where(Log.run_id == run_id)).all()
        return {"run": run.state, "clear_number": run.clear_number, "tasks": list(states), "log": sorted(events)}


def main() -> None:
    """Print `{step: [answers, rows]}`."""
    address = RunAddress("one", CALLER)
    item = BatchItem(workflow_id="bulk_five", workflow_type=WorkflowType.AIRFLOW, workflow_run_id="one")
    TriggerService(DagCache()).trigger([item], CALLER)
    told: dict[str, Any] = {}
    told["priority"] = [at_once(lambda: set_priority(address, 7)), rows("one")]
    told["cancel"] = [at_once(lambda: cancel(address, CancelRequest())), rows("one")]
    told["retry"] = [at_once(lambda: retry(address, RetryScope.FAILED)), rows("one")]
    with create_session() as session:
        session.execute(update(DagRun).values(state=DagRunState.FAILED))
        session.execute(update(TaskInstance).values(state=TaskInstanceState.FAILED))
    told["keyed"] = [at_once(lambda: retry(address, RetryScope.ALL, "a-key")), rows("one")]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
