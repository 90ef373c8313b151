"""The FastAPI app that Airflow mounts at `/tradewind`."""

import asyncio
import gc
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
from tradewind_airflow.web.guard import guard
from tradewind_airflow.web.timings import RequestTimings
from tradewind_airflow.web.waiting import LookUps, server_stops
from tradewind_service import problem_responses
from tradewind_service.error_boundary import ErrorBoundary
from tradewind_service.request_instrument import RequestInstrument


def create_app() -> FastAPI:
    """Build the app, guarded as a whole.

    A mounted app inherits nothing from Airflow's routers, so each route here, the docs included, demands a user that
    may read DAG runs (401 and 403 otherwise); what a route shows or does is asked for once more, DAG by DAG (`Caller`).
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
    app.state.look_ups = LookUps()
    app.state.poller = Poller(FeedSettings.from_config(), is_stopping=server_stops)
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
    """Airflow enters it once per process that serves HTTP."""
    await asyncio.to_thread(indexes.report_missing)
    # Airflow's modules and models stay for good. Unfrozen, each full collection looks at all of them: half a second in
    # which nobody is answered, every two seconds with a thousand streams. Airflow's DAG processor does the same.
    gc.collect()
    gc.freeze()
    yield
    await app.state.poller.close()
