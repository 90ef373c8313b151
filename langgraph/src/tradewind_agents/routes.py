"""The HTTP routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from tradewind_agents import status
from tradewind_agents.errors import UnknownRunError
from tradewind_agents.metrics import Metrics
from tradewind_agents.registry import Registry
from tradewind_agents.runs import AgentRun
from tradewind_agents.service import AgentsService
from tradewind_contracts.run_ids import RunId
from tradewind_contracts.workflows import WorkflowInfo, WorkflowStatus
from tradewind_service.prometheus_metrics import exposition

router = APIRouter()


def _service(request: Request) -> AgentsService:
    service: AgentsService = request.app.state.service
    return service


def _registry(request: Request) -> Registry:
    registry: Registry = request.app.state.registry
    return registry


def _metrics(request: Request) -> Metrics:
    metrics: Metrics = request.app.state.metrics
    return metrics


ServiceDep = Annotated[AgentsService, Depends(_service)]
RegistryDep = Annotated[Registry, Depends(_registry)]
MetricsDep = Annotated[Metrics, Depends(_metrics)]


async def _run(workflow_run_id: RunId, service: ServiceDep) -> AgentRun:
    if run := await service.store.get(workflow_run_id):
        return run
    raise UnknownRunError(f"no run {workflow_run_id} exists in the agents service")


RunDep = Annotated[AgentRun, Depends(_run)]


@router.get("/workflows")
async def list_workflows(registry: RegistryDep) -> list[WorkflowInfo]:
    """The registered graphs, with the JSON Schema of their parameters."""
    return [workflow.info for workflow in registry.values()]


@router.get("/workflows/{workflow_run_id}/status")
async def get_status(run: RunDep, service: ServiceDep, registry: RegistryDep) -> WorkflowStatus:
    """The status of a run, from its row and its checkpoints."""
    steps = await service.graphs.steps(run.run_id) if run.completed_at is None else 0
    return status.of(run, steps, registry.get(run.workflow_id))


@router.get("/livez")
async def livez(service: ServiceDep) -> Response:
    """200, or 503 when only a restart helps."""
    return Response(status_code=200 if service.is_alive() else 503)


@router.get("/readyz")
async def readyz(service: ServiceDep) -> Response:
    """200 when the service can process runs and queries; otherwise 503 and the reason."""
    reason = await service.not_ready()
    return Response(reason or "ready", 503 if reason else 200, media_type="text/plain")


@router.get("/metrics")
async def metrics(request: Request, metrics: MetricsDep) -> Response:
    """The metrics, in the format that the scraper accepts."""
    return exposition(metrics.registry, request)
