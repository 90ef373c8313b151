"""W1: a settlement status in; who must act, how, what it costs and how urgent it is out."""

from tradewind_agents.registry import Workflow
from tradewind_agents.workflows.settlement_fail_triage.graph import build
from tradewind_agents.workflows.settlement_fail_triage.parameters import Parameters

WORKFLOW = Workflow(
    workflow_id="settlement_fail_triage",
    description="Reads a sese.024 or MT548 settlement status: owner, playbook, CSDR penalty estimate and priority",
    parameters=Parameters,
    build=build,
)
