"""A graph for tests of the service: five steps that leave a line each in a file, slow or failing on demand."""

import asyncio
import operator
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, ConfigDict, Field

from tradewind_agents.registry import AgentWorkflow

STEPS = 5


class Parameters(BaseModel):
    model_config = ConfigDict(extra="forbid")

    log: str = Field(description="File to which each step appends its line")
    name: str = "run"
    seconds: float = Field(default=0, ge=0, le=60, description="How long each step takes")
    fail_at: int | None = None
    result: Any = None


class State(TypedDict, total=False):
    parameters: dict[str, Any]
    done: Annotated[list[int], operator.add]
    result: Any


def _step(number: int) -> Any:
    async def step(state: State) -> State:
        parameters = Parameters.model_validate(state["parameters"])
        with Path(parameters.log).open("a") as log:  # noqa: ASYNC230  # one short line; the test reads the order
            log.write(f"{parameters.name} {number}\n")
        await asyncio.sleep(parameters.seconds)
        if parameters.fail_at == number:
            raise ValueError(f"step {number} failed as requested")
        return {"done": [number]}

    return step


async def _conclude(state: State) -> State:
    return {"result": state["parameters"].get("result") or {"done": state["done"]}}


def build() -> StateGraph[Any, Any, Any]:
    graph = StateGraph(State)
    before = START
    for number in range(1, STEPS + 1):
        name = f"step_{number}"
        graph.add_node(name, _step(number))
        graph.add_edge(before, name)
        before = name
    graph.add_node("conclude", _conclude)
    graph.add_edge(before, "conclude")
    graph.add_edge("conclude", END)
    return graph


WORKFLOW = AgentWorkflow("steps", "Five steps that leave a trace", Parameters, build)
