"""Triggers of Tradewind's own DAGs."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from tradewind_airflow.ingestion.settings import IngestionSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tradewind_airflow.ingestion.worker import IngestionWorker

LEAVE_SECONDS = 15.0
"""How long an ended trigger waits for its thread; a longer call ends by itself, and then the thread leaves."""


class WorkflowEventsTrigger(BaseTrigger):
    """Consumes `workflow-events` for ever, and has a DAG run made of each trigger of an Airflow workflow.

    Delivery: at least once, on run ids that are unique, so each event has exactly one run. An offset is committed when
    the run is committed in Airflow's database, or when the record lies in the dead-letter topic with its reason. Kafka,
    the API server or Postgres being down costs time, never events.

    Commands (cancel, resume) for Airflow's runs are not taken yet: they are dead-lettered as `unsupported-command`.
    Events for other engines belong to their own consumers.

    The work is done on a thread of its own (`ingestion.worker`): librdkafka and the HTTP calls block, and the
    triggerer's event loop may not. There Airflow's connections are read too: the triggerer has no database, and a
    thread may ask its supervisor synchronously. The trigger yields no event; it fails on a `ConfigurationError` alone.
    `on_kill` does nothing, as it may fire for a mere reassignment.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # published without types
        self._settings = IngestionSettings(**settings)
        self._worker: IngestionWorker | None = None
        self._ended: asyncio.Event | None = None
        self._error: BaseException | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the path and the arguments that make this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", asdict(self._settings)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Run the consumer until the trigger is cancelled. Raises `ConfigurationError`."""
        # Imported here: DAG files import this module, and need no Kafka client.
        from tradewind_airflow.ingestion.worker import IngestionWorker  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()

        def on_end(error: BaseException | None) -> None:
            # A closed loop: the triggerer is gone already, and nobody waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._on_end, error)

        self._worker = IngestionWorker(self._settings, on_end)
        self._worker.start()
        await self._ended.wait()
        if self._error:
            raise self._error
        yield TriggerEvent({"status": "stopped"})  # type: ignore[no-untyped-call]  # published without types

    def _on_end(self, error: BaseException | None) -> None:
        self._error = error
        if self._ended:
            self._ended.set()

    async def cleanup(self) -> None:
        """Have the consumer leave its group, so that another gets its partitions at once."""
        if self._worker and self._ended:
            self._worker.stop()
            await asyncio.wait_for(self._ended.wait(), LEAVE_SECONDS)
