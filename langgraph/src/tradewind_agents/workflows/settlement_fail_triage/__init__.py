"""Settlement fail triage: from a settlement status to who must act, how, the cost and the urgency."""

from tradewind_agents.registry import AgentWorkflow
from tradewind_agents.workflows.settlement_fail_triage.graph import build
from tradewind_agents.workflows.settlement_fail_triage.parameters import Parameters

WORKFLOW = AgentWorkflow(
    workflow_id="settlement_fail_triage",
    description="Reads a sese.024 or MT548 settlement status: owner, playbook, CSDR penalty estimate and priority",
    parameters=Parameters,
    build=build,
)
