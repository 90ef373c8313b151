"""The FastAPI app that Airflow mounts at `/tradewind`."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from tradewind_airflow.database import indexes
from tradewind_airflow.feed.change_feed import ChangeFeed
from tradewind_airflow.feed.poller import Poller
from tradewind_airflow.feed.settings import FeedSettings
from tradewind_airflow.runs.create import bulk
from tradewind_airflow.runs.create.service import TriggerService
from tradewind_airflow.runs.dag_cache import DagCache
from tradewind_airflow.web import changes, commands, docs, errors, events, runs, statuses, triggers
from tradewind_airflow.web.dependencies import LookupThreads
from tradewind_airflow.web.guard import guard
from tradewind_airflow.web.timings import RequestTimings
from tradewind_service import problem_responses
from tradewind_service.error_boundary import ErrorBoundary
from tradewind_service.request_instrument import RequestInstrument


def create_app() -> FastAPI:
    """Build the app, guarded as a whole.

    A mounted app inherits nothing from Airflow's routers, so each route here, the docs included, requires a user who
    may read DAG runs (401 and 403 otherwise); what a route shows or does is checked again, DAG by DAG (`Caller`).
    """
    app = FastAPI(
        title="Tradewind: Airflow's workflows",
        description="An event or a REST call becomes exactly one DAG run.",
        version="0.1.0",
        lifespan=_lifespan,
        dependencies=[Depends(guard)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.dag_cache = DagCache()
    app.state.trigger_service = TriggerService(app.state.dag_cache, bulk.load_writer())
    app.state.change_feed = ChangeFeed()
    app.state.lookup_threads = LookupThreads()
    app.state.poller = Poller(FeedSettings.from_config(), is_stopping=_server_is_stopping)
    problem_responses.install(app, errors.PROBLEMS)
    app.add_middleware(ErrorBoundary)
    app.add_middleware(RequestInstrument, recorder=RequestTimings())
    for part in (triggers, runs, statuses, events, changes, commands, docs):
        app.include_router(part.router)
    docs.describe_bodies(app)
    docs.describe_problems(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run by Airflow once per process that serves HTTP."""
    await asyncio.to_thread(indexes.report_missing)
    # Airflow's modules and models are never freed. Unfrozen, each full collection scans all of them and blocks all
    # requests for half a second, every two seconds with a thousand streams. Airflow's DAG processor does the same.
    gc.collect()
    gc.freeze()
    yield
    await app.state.poller.close()


def _server_is_stopping() -> bool:
    """Whether uvicorn was asked to stop: it then waits for every open response without notifying the app.

    Its signal handler is a method of the server (`uvicorn.Server.handle_exit`). Under another server this is always
    False, and streams end when that server's grace period does.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return bool(getattr(server, "should_exit", False))
