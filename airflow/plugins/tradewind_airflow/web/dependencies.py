"""FastAPI dependencies of the routes: the caller, the run that a path names, and the process's own objects."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Query, Request

from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.runs.callers import Caller
from tradewind_airflow.runs.create.service import TriggerService
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.read import status
from tradewind_airflow.runs.read.status import RunDescription
from tradewind_airflow.web.guard import UserDep
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowId

P = ParamSpec("P")
T = TypeVar("T")


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


THREADS = 8
"""Concurrent lookups for waiting clients: a thousand at once must not use up Airflow's own threads."""


class LookupThreads:
    """Runs blocking calls on a few threads of its own; belongs to one event loop."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(THREADS)

    async def run(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return the call's result, or raise its error."""
        return await anyio.to_thread.run_sync(lambda: call(*arguments, **named), limiter=self._threads)


def lookup_threads(request: Request) -> LookupThreads:
    """Return the process's threads for lookups."""
    return request.app.state.lookup_threads  # type: ignore[no-any-return]  # set by `create_app`


def poller(request: Request) -> Poller:
    """Return the process's poller."""
    return request.app.state.poller  # type: ignore[no-any-return]  # set by `create_app`


LookupThreadsDep = Annotated[LookupThreads, Depends(lookup_threads)]
PollerDep = Annotated[Poller, Depends(poller)]


@dataclass(frozen=True)
class RequestedRun:
    """The run that a request names, read on the lookup threads."""

    address: RunAddress
    dag_cache: DagCache
    lookup_threads: LookupThreads

    async def describe(self) -> RunDescription:
        """Return its status; raise `RefusedError` (404, 409)."""
        return await self.lookup_threads.run(status.describe, self.dag_cache, self.address)

    async def locate(self) -> int:
        """Return its row's id; raise `RefusedError` (404, 409)."""
        return await self.lookup_threads.run(status.locate, self.address)


def requested_run(address: RunAddressDep, dag_cache: DagCacheDep, threads: LookupThreadsDep) -> RequestedRun:
    """Return the run that the request names."""
    return RequestedRun(address, dag_cache, threads)


RequestedRunDep = Annotated[RequestedRun, Depends(requested_run)]
