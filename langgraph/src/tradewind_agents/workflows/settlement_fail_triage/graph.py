"""The graph: parse -> classify -> penalty -> priority -> conclude. Each node is pure; no model is used yet."""

from datetime import UTC, datetime
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from tradewind_agents.workflows.settlement_fail_triage import classify, mt548, penalty, priority, sese_024
from tradewind_agents.workflows.settlement_fail_triage.classify import Classification
from tradewind_agents.workflows.settlement_fail_triage.instruction import Instruction
from tradewind_agents.workflows.settlement_fail_triage.parameters import Parameters
from tradewind_agents.workflows.settlement_fail_triage.playbooks import PLAYBOOKS


class State(TypedDict, total=False):
    """JSON-like values only: checkpoints must be readable after the classes have changed."""

    parameters: dict[str, Any]
    as_of: str
    instruction: dict[str, Any]
    classification: dict[str, Any]
    penalty: dict[str, Any]
    priority: int
    reasons: list[str]
    result: dict[str, Any]


def build() -> StateGraph[Any, Any, Any]:
    """Return the graph, not compiled."""
    graph = StateGraph(State)
    nodes = {
        "parse": parse,
        "classify": classify_reasons,
        "penalty": estimate_penalty,
        "priority": prioritise,
        "conclude": conclude,
    }
    before = START
    for name, node in nodes.items():
        graph.add_node(name, node)
        graph.add_edge(before, name)
        before = name
    graph.add_edge(before, END)
    return graph


def read(message: str) -> Instruction:
    """Return the content of a message of either syntax; raise MessageError."""
    return sese_024.read(message) if message.lstrip("\ufeff \t\r\n").startswith("<") else mt548.read(message)


async def parse(state: State) -> State:
    """Parse the message and fix the instant of the assessment."""
    parameters = _parameters(state)
    judged_at = parameters.judged_at(datetime.now(UTC))
    return {"instruction": dict(read(parameters.message)), "as_of": judged_at.isoformat()}


async def classify_reasons(state: State) -> State:
    """Decide owner and playbook."""
    found = classify.classify(_instruction(state), _parameters(state).confirm_rej_reason)
    return {"classification": dict(found)}


async def estimate_penalty(state: State) -> State:
    """Estimate the CSDR penalty."""
    as_of = datetime.fromisoformat(state["as_of"]).date()
    return {"penalty": penalty.estimate(_instruction(state), _classification(state), _parameters(state), as_of)}


async def prioritise(state: State) -> State:
    """Decide the urgency."""
    parameters, as_of = _parameters(state), datetime.fromisoformat(state["as_of"])
    value = penalty.value_of(_instruction(state), parameters)
    urgency, reasons = priority.prioritise(_classification(state), state["penalty"], value, as_of, parameters.cut_off)
    return {"priority": urgency, "reasons": reasons}


async def conclude(state: State) -> State:
    """Assemble the result."""
    found, instruction = _classification(state), _instruction(state)
    playbook = PLAYBOOKS[found["playbook"]]
    kept = {name: value for name, value in instruction.items() if name not in {"reasons", "reasons_left_out"}}
    result = {
        "owner": found["owner"],
        "playbook": {"id": playbook.id, "title": playbook.title, "steps": list(playbook.steps)},
        "penalty_estimate": state["penalty"],
        "priority": state["priority"],
        "reasons": state["reasons"],
        "evidence": found["evidence"],
        "evidence_left_out": found["evidence_left_out"],
        "status": found["status"],
        "instruction": kept,
        "as_of": state["as_of"],
        "degraded": True,
    }
    return {"result": result}


def _parameters(state: State) -> Parameters:
    return Parameters.model_validate(state["parameters"])


def _instruction(state: State) -> Instruction:
    return state["instruction"]  # type: ignore[return-value]  # a checkpoint holds plain dicts; `parse` wrote it


def _classification(state: State) -> Classification:
    return state["classification"]  # type: ignore[return-value]  # a checkpoint holds plain dicts; `classify` wrote it
