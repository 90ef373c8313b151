"""The workflows that a caller may read."""

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog, Workflow
from tradewind_contracts.workflows import WorkflowInfo, WorkflowType


def triggerable_workflows(known: Catalog, caller: Caller) -> list[WorkflowInfo]:
    """Return the DAGs that can be triggered, by id; those without a parsed version or with another use are left out."""
    with create_session(scoped=False) as session:
        found = known.find(session, caller.readable(session)).values()
        listed = (_info(session, known, workflow) for workflow in found)
        return [info for info in listed if info]


def _info(session: Session, known: Catalog, workflow: Workflow) -> WorkflowInfo | None:
    if workflow.is_stale or not workflow.allows_manual_runs or workflow.key is None:
        return None
    try:
        schema = known.parameters(session, workflow.key).document
    except LookupError:
        # Parsed anew between the two statements; the next call shows it.
        return None
    return WorkflowInfo(
        workflow_id=workflow.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
        description=workflow.description,
        parameters_schema=schema,
    )
