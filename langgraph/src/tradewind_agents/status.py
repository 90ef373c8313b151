"""The contract's status of a run, from its row and steps."""

from tradewind_agents.registry import AgentWorkflow
from tradewind_agents.runs import AgentRun
from tradewind_contracts.workflows import WorkflowStatus, WorkflowType

_UNFINISHED = 0.99
"""The progress limit of a run that has not ended: a graph with loops takes more steps than it has nodes."""


def of(run: AgentRun, steps: int, workflow: AgentWorkflow | None) -> WorkflowStatus:
    """Return the status; `steps` are the checkpointed supersteps, `workflow` is None when no longer registered."""
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


def _progress(run: AgentRun, steps: int, workflow: AgentWorkflow | None) -> float:
    if run.completed_at is not None:
        return 1.0
    if workflow is None or not workflow.node_count:
        return 0.0
    return min(_UNFINISHED, round(steps / workflow.node_count, 4))
