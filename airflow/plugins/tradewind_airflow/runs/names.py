"""Which of Airflow's runs have names that the contract can carry; Airflow takes letters beyond ASCII as well."""

from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowId

_WORKFLOW_ID: TypeAdapter[str] = TypeAdapter(WorkflowId)
_RUN_ID: TypeAdapter[str] = TypeAdapter(RunId)


def are_plain(dag_id: str, run_id: str) -> bool:
    """Whether both fit `WorkflowId` and `RunId` (a DAG's id may hold letters beyond ASCII); others are not told of."""
    return is_workflow_id(dag_id) and _fits(_RUN_ID, run_id)


@lru_cache(4096)
def is_workflow_id(dag_id: str) -> bool:
    """Whether a DAG's id fits `WorkflowId`."""
    return _fits(_WORKFLOW_ID, dag_id)


def _fits(adapter: TypeAdapter[str], name: str) -> bool:
    try:
        adapter.validate_python(name)
    except ValidationError:
        return False
    return True
