"""Liveness, readiness, health and metrics: public endpoints that answer without any I/O."""

from datetime import UTC, datetime
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from tradewind_api import __version__
from tradewind_api.metrics import Metrics
from tradewind_api.services import Services
from tradewind_contracts.workflows import WorkflowType
from tradewind_service.prometheus_metrics import exposition

router = APIRouter(tags=["operations"])

DependencyState = Literal["up", "down", "starting", "catching-up"]


class Root(BaseModel):
    """Name and version of the service."""

    message: str
    version: str


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Health(BaseModel):
    """Whether triggers can be taken, and the last known state of each dependency."""

    status: Literal["healthy", "unhealthy"]
    timestamp: AwareDatetime
    dependencies: dict[str, DependencyState] = Field(description="kafka, ledger, airflow, langgraph")


class Ready(BaseModel):
    """Whether the process has started: the producer has its id, and the topics were read once."""

    status: Literal["ready", "not ready"]
    waiting_for: list[str]


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


@router.get("/", operation_id="getRoot")
async def root() -> Root:
    """Return the name and version of the service."""
    return Root(message="Workflow Orchestration API", version=__version__)


@router.get("/livez", operation_id="getLiveness")
async def livez() -> Alive:
    """Return 200 while the process and its event loop run."""
    return Alive()


@router.get("/readyz", operation_id="getReadiness", responses={503: {"model": Ready, "description": "Not ready yet"}})
async def readyz(request: Request) -> Response:
    """Return 200 once triggers can be taken at full speed, 503 before.

    It stays 200 if a broker or an engine fails later: statuses are still served, and a trigger's 503 says more to its
    caller than a load balancer's would.
    """
    waiting = _waiting_for(_services(request))
    body = Ready(status="not ready" if waiting else "ready", waiting_for=waiting)
    return _json(body, ok=not waiting)


@router.get("/health", operation_id="getHealth", responses={503: {"model": Health, "description": "Not ready yet"}})
async def health(request: Request) -> Response:
    """Return readiness and the last known state of each dependency."""
    services = _services(request)
    ready = not _waiting_for(services)
    body = Health(
        status="healthy" if ready else "unhealthy", timestamp=datetime.now(UTC), dependencies=_dependencies(services)
    )
    return _json(body, ok=ready)


@router.get(
    "/metrics",
    operation_id="getMetrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text format"}
    },
)
async def metrics(request: Request) -> Response:
    """Return the metrics in the format that the scraper accepts."""
    collected: Metrics = request.app.state.metrics
    return exposition(collected.registry, request)


def _waiting_for(services: Services) -> list[str]:
    connections = services.connections
    checks = {"kafka": connections.publisher.ready, "ledger": connections.progress.caught_up}
    return [name for name, done in checks.items() if not done]


def _dependencies(services: Services) -> dict[str, DependencyState]:
    publisher, progress = services.connections.publisher, services.connections.progress
    kafka: DependencyState = "up" if publisher.connected else ("down" if publisher.ready else "starting")
    return {
        "kafka": kafka,
        "ledger": "up" if progress.caught_up else "catching-up",
        **{name.value: "up" if services.workflow_lists.current(name) else "down" for name in WorkflowType},
    }


def _json(body: BaseModel, *, ok: bool) -> Response:
    return Response(body.model_dump_json(), 200 if ok else 503, media_type=JSONResponse.media_type)
