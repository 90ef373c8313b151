"""The workflows that a caller may trigger."""

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.runs import dags, names
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.dags import DagRecord
from tradewind_contracts.workflows import WorkflowInfo, WorkflowType


def triggerable_workflows(dag_cache: DagCache, caller: Caller) -> list[WorkflowInfo]:
    """Return the DAGs that can be triggered, by id.

    Those without a parsed version, with another use or with an id that the contract cannot carry are left out.
    """
    with create_session(scoped=False) as session:
        readable = filter(names.is_workflow_id, caller.readable(session))
        found = dags.find(session, list(readable)).values()
        listed = (_info(session, dag_cache, dag) for dag in found)
        return [info for info in listed if info]


def _info(session: Session, dag_cache: DagCache, dag: DagRecord) -> WorkflowInfo | None:
    if dag.is_stale or not dag.allows_manual_runs or dag.key is None:
        return None
    try:
        schema = dag_cache.parameters(session, dag.key).document
    except LookupError:
        # Serialized anew between the two statements: the next call returns it. Or not readable here, which is logged.
        return None
    return WorkflowInfo(
        workflow_id=dag.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
        description=dag.description,
        parameters_schema=schema,
    )
