"""Triggers of Tradewind's own DAGs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewind_airflow.ingestion.settings import IngestionSettings
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.triggerer.trigger import ThreadTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tradewind_airflow.ingestion.worker import IngestionWorker
    from tradewind_airflow.lifecycle.worker import LifecycleWorker

# The workers' modules are imported by the triggerer alone: DAG files import this module, and need no Kafka client.


class WorkflowEventsTrigger(ThreadTrigger):
    """Consumes `workflow-events` for ever, and has a DAG run made of each trigger of an Airflow workflow.

    Delivery: at least once, on run ids that are unique, so each event has exactly one run. An offset is committed when
    the run is committed in Airflow's database, or when the record lies in the dead-letter topic with its reason. Kafka,
    the API server or Postgres being down costs time, never events.

    A cancel is passed on to the plugin, after the trigger of its run; one that comes too late is done. An answer to a
    waiting run (`workflow.resume_requested`) is not taken: it is dead-lettered as `unsupported-command`. Events for
    other engines belong to their own consumers. Cancelled, it leaves its group at once, so that another gets its
    partitions.
    """

    settings_class = IngestionSettings
    leave_seconds = 15.0

    def worker(self, settings: IngestionSettings, on_end: Callable[[BaseException | None], None]) -> IngestionWorker:
        """Return the consumer's thread."""
        from tradewind_airflow.ingestion.worker import IngestionWorker  # noqa: PLC0415  # see above

        return IngestionWorker(settings, on_end)


class WorkflowLifecycleTrigger(ThreadTrigger):
    """Publishes to `workflow-status`, for ever, every state that a DAG run comes into.

    Delivery: at least once and in order for each run; a repeat has the same `event_id`. Where it goes on after a
    restart stands on the topic itself (`lifecycle.marks`). Kafka, the API server or Postgres being down costs time,
    never events, as long as it takes less than the topic keeps records.

    Cancelled, it writes nothing more, and there is nothing to hand over: nobody waits for its thread.
    """

    settings_class = LifecycleSettings
    leave_seconds = 0.0

    def worker(self, settings: LifecycleSettings, on_end: Callable[[BaseException | None], None]) -> LifecycleWorker:
        """Return the publisher's thread."""
        from tradewind_airflow.lifecycle.worker import LifecycleWorker  # noqa: PLC0415  # see above

        return LifecycleWorker(settings, on_end)
