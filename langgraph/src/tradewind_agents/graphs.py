"""Compiled graphs: starts, resumes and inspects runs, whose checkpoints are in Postgres."""

import json
from dataclasses import dataclass
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl

from tradewind_agents import database
from tradewind_agents.registry import Registry
from tradewind_contracts import json_text
from tradewind_contracts.workflows import RunStatus

MAX_ERROR = 2000
"""Maximum length of a run's error text."""


@dataclass(frozen=True)
class GraphOutcome:
    """How a graph ended: with a result, or with the error of one of its nodes."""

    status: RunStatus
    result: Any = None
    error: str | None = None


class Graphs:
    """All registered graphs, compiled once. A run's thread is its run id.

    A saver executes one statement at a time, even with a pool (langgraph issue #7259), so each run has a saver of its
    own: measured 50% more runs per second than with a shared one (`docs/performance.md`).
    """

    def __init__(self, registry: Registry, pool: database.Pool, recursion_limit: int, step_timeout: float) -> None:
        self._pool = pool
        self._recursion_limit = recursion_limit
        self._compiled = {name: workflow.build().compile() for name, workflow in registry.items()}
        for graph in self._compiled.values():
            graph.step_timeout = step_timeout

    async def run(
        self, workflow_id: str, run_id: str, parameters: dict[str, Any], control: RunControl, *, is_new: bool
    ) -> GraphOutcome:
        """Run a graph to its end, from its last checkpoint if it has one.

        An exception of a node fails the run. Raises GraphDrained when `control` requested a stop, and psycopg's errors
        when checkpoints could not be read or written: the run is in the state of its last checkpoint.
        """
        saver, config = AsyncPostgresSaver(self._pool), self._config(run_id)
        graph = self._compiled[workflow_id].copy(update={"checkpointer": saver})
        try:
            started = not is_new and await saver.aget_tuple(config) is not None
            # None resumes from the checkpoint; a finished graph returns its last state without running a node.
            # (`StateSnapshot.next` cannot decide that: it is also empty when only a step's writes are stored.)
            given = None if started else {"parameters": parameters}
            state = await graph.ainvoke(given, config, durability="sync", control=control)
            return GraphOutcome(RunStatus.SUCCEEDED, result=_storable(state))
        except GraphDrained:
            raise
        except Exception as error:
            if database.is_outage(error):
                raise
            return GraphOutcome(RunStatus.FAILED, error=_describe(error))

    async def steps(self, run_id: str) -> int:
        """Return the number of checkpointed supersteps of a run."""
        found = await AsyncPostgresSaver(self._pool).aget_tuple(self._config(run_id))
        return max(0, found.metadata.get("step", 0)) if found else 0

    def _config(self, run_id: str) -> RunnableConfig:
        return {"configurable": {"thread_id": run_id, "checkpoint_ns": ""}, "recursion_limit": self._recursion_limit}


def _storable(state: dict[str, Any]) -> Any:
    if "result" not in state:
        raise ValueError("the graph ended without a `result`")
    json.dumps(state["result"], allow_nan=False)
    json_text.check(state["result"])
    return state["result"]


def _describe(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}".replace("\0", "")
    return text.encode("utf-8", "replace").decode()[:MAX_ERROR]
