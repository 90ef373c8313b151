"""What the routes are given: the caller, the run that a path names, and the process's own objects."""

from typing import Annotated

from fastapi import Depends, Query, Request

from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.create.service import TriggerService
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.web.guard import UserDep
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowId


def caller(user: UserDep) -> Caller:
    """Return the caller of this one request."""
    return Caller(user)


def dag_cache(request: Request) -> DagCache:
    """Return the process's cache of DAGs."""
    return request.app.state.dag_cache  # type: ignore[no-any-return]  # set by `create_app`


def trigger_service(request: Request) -> TriggerService:
    """Return the process's service that creates runs."""
    return request.app.state.trigger_service  # type: ignore[no-any-return]  # set by `create_app`


CallerDep = Annotated[Caller, Depends(caller)]
DagCacheDep = Annotated[DagCache, Depends(dag_cache)]
TriggerServiceDep = Annotated[TriggerService, Depends(trigger_service)]


def run_address(
    workflow_run_id: RunId,
    caller: CallerDep,
    workflow_id: Annotated[WorkflowId | None, Query(description="Whose run, where several DAGs have this id")] = None,
) -> RunAddress:
    """Return which run the request is about, and for whom."""
    return RunAddress(workflow_run_id, caller, workflow_id)


RunAddressDep = Annotated[RunAddress, Depends(run_address)]
