"""The one Postgres database: connections, the schema, and the saver of checkpoints."""

import asyncio
from importlib.resources import files
from typing import Any

import psycopg
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

Pool = AsyncConnectionPool[AsyncConnection[DictRow]]

OUTAGES = (psycopg.OperationalError, psycopg.InterfaceError)
"""Errors that mean that Postgres is unavailable; the pool's own time-out is one of them."""

# An arbitrary key that nothing else in the database uses as an advisory lock.
_SETUP_LOCK = 7_420_331_185


def pool(url: str, size: int, timeout: float = 5) -> Pool:
    """Return an unopened pool with connections for LangGraph's saver; a caller waits `timeout` seconds for one."""
    kwargs: dict[str, Any] = {"autocommit": True, "row_factory": dict_row, "prepare_threshold": 0, "connect_timeout": 5}
    # The pool backs off between attempts; restarting that every ten seconds reconnects soon after Postgres is back.
    return AsyncConnectionPool(
        url, min_size=1, max_size=size, timeout=timeout, reconnect_timeout=10, kwargs=kwargs, open=False
    )


async def setup(url: str) -> None:
    """Create or migrate all tables, one process at a time.

    The lock is polled, not waited for: LangGraph creates indexes concurrently, which waits for every running statement,
    including one that waits for this lock.
    """
    async with await AsyncConnection.connect(
        url, autocommit=True, row_factory=dict_row, prepare_threshold=0, connect_timeout=5
    ) as connection:
        while not await _try_lock(connection):  # noqa: ASYNC110  # the event is another process's
            await asyncio.sleep(0.2)
        await AsyncPostgresSaver(connection).setup()
        await connection.execute(files(__package__).joinpath("schema.sql").read_bytes(), prepare=False)


def is_outage(error: BaseException) -> bool:
    """Whether Postgres, and not the statement, is the cause: the same statement may succeed later."""
    if isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith("54"):
        return False  # program_limit_exceeded: a retry cannot succeed
    return isinstance(error, OUTAGES)


async def _try_lock(connection: AsyncConnection[DictRow]) -> bool:
    cursor = await connection.execute("SELECT pg_try_advisory_lock(%s) AS locked", (_SETUP_LOCK,))
    row = await cursor.fetchone()
    return bool(row and row["locked"])
