"""The durable record of each run: one row of `agent_run`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tradewind_agents.database import Pool
from tradewind_contracts.events import WorkflowTriggered
from tradewind_contracts.workflows import RunStatus


@dataclass(frozen=True)
class AgentRun:
    """A row of `agent_run`. `parameters` are the trigger's, without defaults."""

    run_id: str
    workflow_id: str
    parameters: dict[str, Any]
    priority: int
    status: RunStatus
    result: Any
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None

    def is_requested_by(self, trigger: WorkflowTriggered) -> bool:
        """Whether the trigger requests this run, and not another one with its id."""
        requested = (trigger.workflow_id, trigger.payload.parameters, trigger.payload.priority)
        return requested == (self.workflow_id, self.parameters, self.priority)


class RunStore:
    """Reads and writes rows; each call is one transaction. Raises psycopg's errors."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def start(self, trigger: WorkflowTriggered) -> tuple[AgentRun, bool]:
        """Insert the run, or get the existing one with its id; the flag is True for a new run."""
        arguments = (
            trigger.workflow_run_id,
            trigger.workflow_id,
            Jsonb(trigger.payload.parameters),
            trigger.payload.priority,
            trigger.timestamp,
        )
        if row := await self._one(_INSERT, arguments):
            return _run(row), True
        return await self.require(trigger.workflow_run_id), False

    async def finish(self, run_id: str, status: RunStatus, result: Any, error: str | None) -> AgentRun:
        """Store the run's end, unless it has ended, and return the current run."""
        row = await self._one(_FINISH, (status, None if result is None else Jsonb(result), error, run_id))
        return _run(row) if row else await self.require(run_id)

    async def get(self, run_id: str) -> AgentRun | None:
        """Return the run, or None."""
        row = await self._one("SELECT * FROM agent_run WHERE run_id = %s", (run_id,))
        return _run(row) if row else None

    async def require(self, run_id: str) -> AgentRun:
        """Return a run that must exist; raise LookupError."""
        if run := await self.get(run_id):
            return run
        raise LookupError(f"the row of run {run_id} does not exist")

    async def _one(self, query: str, arguments: tuple[Any, ...]) -> DictRow | None:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), arguments)
            return await cursor.fetchone()


def _run(row: DictRow) -> AgentRun:
    return AgentRun(**{**row, "status": RunStatus(row["status"])})


_INSERT = """
INSERT INTO agent_run (run_id, workflow_id, parameters, priority, status, created_at, started_at)
VALUES (%s, %s, %s, %s, 'running', %s, clock_timestamp())
ON CONFLICT (run_id) DO NOTHING RETURNING *
"""

_FINISH = """
UPDATE agent_run SET status = %s, result = %s, error = %s, completed_at = clock_timestamp()
WHERE run_id = %s AND completed_at IS NULL RETURNING *
"""
