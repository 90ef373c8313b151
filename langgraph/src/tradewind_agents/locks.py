"""One writer per run across all replicas: session-level advisory locks of Postgres, on one connection.

The consumer group assigns a run's records to one replica, provided that all producers use the same partitioner and
that a replica notices when it loses its partitions, which a frozen process does not. LangGraph's saver does not check
who writes (its issue #8796), so this module does. No clean-up is needed: the locks end with the process's connection.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from psycopg import AsyncConnection

from tradewind_agents import database


class RunBusyError(Exception):
    """Another replica is processing the run: retry later."""


class RunLocks:
    """The locks that this process holds. Within the process, the dispatcher keeps a run's records in order."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AsyncConnection | None = None
        self._connecting = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def hold(self, run_id: str) -> AsyncIterator[None]:
        """Hold the run while the block runs; raise RunBusyError or psycopg's errors. Lost with the connection."""
        connection = await self._connected()
        cursor = await connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (run_id,))
        if await cursor.fetchone() != (True,):
            raise RunBusyError(f"another replica is processing run {run_id}")
        try:
            yield
        finally:
            with contextlib.suppress(*database.OUTAGES):
                await connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (run_id,))

    async def close(self) -> None:
        """Release all locks."""
        if self._connection:
            await self._connection.close()

    async def _connected(self) -> AsyncConnection:
        async with self._connecting:
            if self._connection is None or self._connection.closed:
                self._connection = await AsyncConnection.connect(
                    self._url, autocommit=True, prepare_threshold=0, connect_timeout=5
                )
            return self._connection
