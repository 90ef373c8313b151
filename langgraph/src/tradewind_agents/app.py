"""The app factory: `uvicorn --factory tradewind_agents.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware

from tradewind_agents import errors, registry
from tradewind_agents.metrics import Metrics
from tradewind_agents.routes import router
from tradewind_agents.service import AgentsService
from tradewind_agents.settings import Settings
from tradewind_service import problem_responses
from tradewind_service.bearer_guard import BearerGuard
from tradewind_service.error_boundary import ErrorBoundary
from tradewind_service.request_instrument import RequestInstrument

PUBLIC = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that need no token; every other path needs one."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; None reads the settings from the environment. Importing this module does nothing."""
    used = settings or Settings()
    workflows = registry.load(used.workflow_packages)
    metrics = Metrics()
    metrics.initialise(workflows)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = AgentsService(used, workflows, metrics)
        app.state.service = service
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    middleware = [
        Middleware(RequestInstrument, metrics.requests),
        Middleware(ErrorBoundary),
        Middleware(BearerGuard, {"client": used.token}, PUBLIC),
    ]
    app = FastAPI(title="Tradewind agents", lifespan=lifespan, middleware=middleware)
    app.state.registry = workflows
    app.state.metrics = metrics
    app.include_router(router)
    problem_responses.install(app, errors.PROBLEMS)
    return app
