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

# Only the triggerer imports the workers' modules: DAG files import this module, and need no Kafka client.


class WorkflowEventsTrigger(ThreadTrigger):
    """Continuously consumes `workflow-events` and creates a DAG run of each trigger of an Airflow workflow.

    Delivery: at least once, on unique run ids, so each event has exactly one run. An offset is committed when the run
    is committed in Airflow's database, or when the record is in the dead-letter topic with its reason. An outage of
    Kafka, the API server or Postgres delays events and loses none.

    A cancel is passed on to the plugin, after the trigger of its run; one that comes too late has no effect. A response
    to a waiting run (`workflow.resume_requested`) is dead-lettered as `unsupported-command`. Events for other engines
    are skipped. When the trigger is cancelled, it leaves its consumer group at once, so that another consumer gets its
    partitions.
    """

    settings_class = IngestionSettings
    leave_seconds = 15.0

    def worker(self, settings: IngestionSettings, on_end: Callable[[BaseException | None], None]) -> IngestionWorker:
        """Return the consumer's thread."""
        from tradewind_airflow.ingestion.worker import IngestionWorker  # noqa: PLC0415  # see above

        return IngestionWorker(settings, on_end)


class WorkflowLifecycleTrigger(ThreadTrigger):
    """Continuously publishes every status change of DAG runs to `workflow-status`.

    Delivery: at least once and in order for each run; a repeat has the same `event_id`. Its checkpoint is on the topic
    itself (`lifecycle.checkpoints`). An outage of Kafka, the API server or Postgres delays events and loses none, if it
    is shorter than the topic's retention.

    When the trigger is cancelled, it writes nothing more and does not wait for its thread: there is no hand-over.
    """

    settings_class = LifecycleSettings
    leave_seconds = 0.0

    def worker(self, settings: LifecycleSettings, on_end: Callable[[BaseException | None], None]) -> LifecycleWorker:
        """Return the publisher's thread."""
        from tradewind_airflow.lifecycle.worker import LifecycleWorker  # noqa: PLC0415  # see above

        return LifecycleWorker(settings, on_end)
