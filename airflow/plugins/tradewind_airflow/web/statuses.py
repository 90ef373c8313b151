"""Where a run is, over REST."""

from typing import Annotated

from fastapi import APIRouter, Query

from tradewind_airflow.runs.status import AmbiguousRunError, StatusService, UnknownRunError
from tradewind_airflow.web.dependencies import CallerDep, CatalogDep
from tradewind_airflow.web.errors import api_error
from tradewind_contracts.problems import ProblemType
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowId, WorkflowStatus

router = APIRouter(tags=["workflows"])


@router.get("/workflows/{workflow_run_id}/status")
def workflow_status(
    workflow_run_id: RunId,
    workflows: CatalogDep,
    caller: CallerDep,
    workflow_id: Annotated[WorkflowId | None, Query(description="Whose run, where several DAGs have this id")] = None,
) -> WorkflowStatus:
    """Return where a run is. Runs that Tradewind did not make are answered for as well."""
    try:
        return StatusService(workflows).status(workflow_run_id, caller, workflow_id)
    except UnknownRunError as error:
        raise api_error(ProblemType.UNKNOWN_RUN, f"no DAG that you may read has a run {workflow_run_id!r}") from error
    except AmbiguousRunError as error:
        detail = f"several DAGs have this run: {', '.join(error.args)}; say which one by ?workflow_id="
        raise api_error(ProblemType.STATE_CONFLICT, detail) from error
