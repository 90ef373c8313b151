"""A run's row and its steps, as the contract's status."""

from tradewind_agents.registry import Workflow
from tradewind_agents.runs import Run
from tradewind_contracts.workflows import WorkflowStatus, WorkflowType

_UNFINISHED = 0.99
"""The most that a run which has not ended can claim: a graph with loops takes more steps than it has nodes."""


def of(run: Run, steps: int, workflow: Workflow | None) -> WorkflowStatus:
    """Return the status; `steps` are the checkpointed supersteps, `workflow` None when it is no longer registered."""
    return WorkflowStatus(
        workflow_run_id=run.run_id,
        status=run.status,
        progress=_progress(run, steps, workflow),
        result=run.result,
        error=run.error,
        started_at=run.started_at,
        completed_at=run.completed_at,
        workflow_id=run.workflow_id,
        workflow_type=WorkflowType.LANGGRAPH,
    )


def _progress(run: Run, steps: int, workflow: Workflow | None) -> float:
    if run.completed_at is not None:
        return 1.0
    if workflow is None or not workflow.node_count:
        return 0.0
    return min(_UNFINISHED, round(steps / workflow.node_count, 4))
