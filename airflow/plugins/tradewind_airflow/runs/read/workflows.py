"""The workflows that a caller may read."""

from airflow.utils.session import create_session
from sqlalchemy.orm import Session

from tradewind_airflow.runs import names
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.catalog import Catalog, Workflow
from tradewind_contracts.workflows import WorkflowInfo, WorkflowType


def triggerable_workflows(known: Catalog, caller: Caller) -> list[WorkflowInfo]:
    """Return the DAGs that can be triggered, by id.

    Those without a parsed version, with another use or with an id that the contract cannot carry are left out.
    """
    with create_session(scoped=False) as session:
        readable = filter(names.is_workflow_id, caller.readable(session))
        found = known.find(session, list(readable)).values()
        listed = (_info(session, known, workflow) for workflow in found)
        return [info for info in listed if info]


def _info(session: Session, known: Catalog, workflow: Workflow) -> WorkflowInfo | None:
    if workflow.is_stale or not workflow.allows_manual_runs or workflow.key is None:
        return None
    try:
        schema = known.parameters(session, workflow.key).document
    except LookupError:
        # Parsed anew between the two statements, so that the next call shows it; or not readable here, which is logged.
        return None
    return WorkflowInfo(
        workflow_id=workflow.dag_id,
        workflow_type=WorkflowType.AIRFLOW,
        description=workflow.description,
        parameters_schema=schema,
    )
