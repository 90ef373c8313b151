"""What the routes that wait have in common: threads for their look-ups, and the poller that wakes them."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ParamSpec, TypeVar

import anyio
import anyio.to_thread
from fastapi import Depends, Request

from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.runs.lookup import RunAddress
from tradewind_airflow.runs.read import status
from tradewind_airflow.runs.read.status import RunDescription
from tradewind_airflow.web.dependencies import DagCacheDep, RunAddressDep

P = ParamSpec("P")
T = TypeVar("T")

THREADS = 8
"""Look-ups of waiting clients at a time: a thousand that come at once must not take Airflow's own threads."""


class LookUps:
    """Runs what blocks on a few threads of its own; belongs to one event loop."""

    def __init__(self) -> None:
        self._threads = anyio.CapacityLimiter(THREADS)

    async def run(self, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Return what the call returns, or raise its error."""
        return await anyio.to_thread.run_sync(lambda: call(*arguments, **named), limiter=self._threads)


def look_ups(request: Request) -> LookUps:
    """Return the process's threads for look-ups."""
    return request.app.state.look_ups  # type: ignore[no-any-return]  # set by `create_app`


def poller(request: Request) -> Poller:
    """Return the process's poller."""
    return request.app.state.poller  # type: ignore[no-any-return]  # set by `create_app`


LookUpsDep = Annotated[LookUps, Depends(look_ups)]
PollerDep = Annotated[Poller, Depends(poller)]


@dataclass(frozen=True)
class AskedRun:
    """The run that a request names, read on threads of its own."""

    address: RunAddress
    dag_cache: DagCache
    look_ups: LookUps

    async def describe(self) -> RunDescription:
        """Return its status; raise `RefusedError` (404, 409)."""
        return await self.look_ups.run(status.describe, self.dag_cache, self.address)

    async def locate(self) -> int:
        """Return its row's id; raise `RefusedError` (404, 409)."""
        return await self.look_ups.run(status.locate, self.address)


def asked_run(address: RunAddressDep, dag_cache: DagCacheDep, threads: LookUpsDep) -> AskedRun:
    """Return the run that is asked for."""
    return AskedRun(address, dag_cache, threads)


AskedRunDep = Annotated[AskedRun, Depends(asked_run)]


def server_stops() -> bool:
    """Whether uvicorn was asked to stop: it then waits for every open answer, and does not notify the apps.

    Its signal handler is a method of the server (`uvicorn.Server.handle_exit`). Under another server this is never so,
    and streams end when that one's patience does.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))
