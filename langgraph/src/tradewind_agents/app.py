"""The app factory: `uvicorn --factory tradewind_agents.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from tradewind_agents import errors, registry
from tradewind_agents.guard import BearerGuard
from tradewind_agents.metrics import Instrument, Metrics
from tradewind_agents.routes import router
from tradewind_agents.service import AgentsService
from tradewind_agents.settings import Settings


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the app; None reads the settings from the environment. Importing this module does nothing."""
    used = settings or Settings()
    workflows = registry.load(used.workflow_packages)
    metrics = Metrics()
    metrics.expect(workflows)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = AgentsService(used, workflows, metrics)
        app.state.service = service
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(title="Tradewind agents", lifespan=lifespan)
    app.state.registry = workflows
    app.state.metrics = metrics
    app.include_router(router)
    app.add_middleware(BearerGuard, token=used.token)
    app.add_middleware(Instrument, metrics=metrics)  # the last one added is the outermost: refusals count too
    errors.install(app)
    return app
