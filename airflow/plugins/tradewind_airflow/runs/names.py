"""Which of Airflow's runs have names that the contract can carry.

Airflow takes DAG ids with letters beyond ASCII, and any run id that `[scheduler] allowed_run_id_pattern` is set to or
that a row already has. Lists leave such entries out and log it once for each DAG.
"""

import logging
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowId

logger = logging.getLogger(__name__)

_WORKFLOW_ID: TypeAdapter[str] = TypeAdapter(WorkflowId)
_RUN_ID: TypeAdapter[str] = TypeAdapter(RunId)


def are_plain(dag_id: str, run_id: str) -> bool:
    """Whether both fit `WorkflowId` and `RunId`."""
    if not is_workflow_id(dag_id):
        return False
    fits = _fits(_RUN_ID, run_id)
    if not fits:
        _log_run_ids(dag_id)
    return fits


@lru_cache(4096)
def is_workflow_id(dag_id: str) -> bool:
    """Whether a DAG's id fits `WorkflowId`."""
    fits = _fits(_WORKFLOW_ID, dag_id)
    if not fits:
        logger.warning("the DAG %r and its runs are not listed: its id is not a workflow id", dag_id)
    return fits


@lru_cache(4096)
def _log_run_ids(dag_id: str) -> None:
    logger.warning("the DAG %r has runs that are not listed: their ids are not run ids of Tradewind", dag_id)


def _fits(adapter: TypeAdapter[str], name: str) -> bool:
    try:
        adapter.validate_python(name)
    except ValidationError:
        return False
    return True
