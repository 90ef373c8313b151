"""The facade's app: `uvicorn --factory tradewind_api.app:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from tradewind_api import __version__, probes, routes, services
from tradewind_api.metrics import Metrics
from tradewind_api.openapi import PUBLIC, DescribedApi
from tradewind_api.services import Connect
from tradewind_api.settings import Settings
from tradewind_service import problem_responses
from tradewind_service.bearer_guard import BearerGuard
from tradewind_service.error_boundary import ErrorBoundary
from tradewind_service.request_instrument import RequestInstrument

_EXPOSED = ["Location", "Idempotent-Replayed", "Preference-Applied", "Retry-After", "Tradewind-Stale"]


def create_app(settings: Settings | None = None, connect: Connect = services.connect) -> FastAPI:
    """Return the app; settings come from the environment where none are given.

    Nothing is opened before the app's lifespan begins; what was opened is flushed and closed when it ends.
    """
    settings = settings or Settings()
    metrics = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with services.serve(settings, metrics, connect) as running:
            app.state.services = running
            yield

    app = DescribedApi(
        title="Workflow Orchestration API",
        version=__version__,
        description="Trigger, follow and list the workflows of Airflow and LangGraph. Errors are RFC 9457 problems.",
        middleware=_middleware(settings, metrics),
        swagger_ui_oauth2_redirect_url=None,
        lifespan=lifespan,
    )
    app.state.settings, app.state.metrics = settings, metrics
    problem_responses.install(app)
    app.include_router(routes.router)
    app.include_router(probes.router)
    return app


def _middleware(settings: Settings, metrics: Metrics) -> list[Middleware]:
    cors = Middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer", "traceparent"],
        expose_headers=_EXPOSED,
    )
    return [
        Middleware(RequestInstrument, metrics.requests),
        *([cors] if settings.cors_origins else []),
        Middleware(ErrorBoundary),
        Middleware(BearerGuard, settings.api_tokens, PUBLIC),
    ]
