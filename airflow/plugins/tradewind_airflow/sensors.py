"""Sensors of Tradewind's own DAGs."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from airflow.sdk import BaseOperator, Context
from airflow.triggers.base import StartTriggerArgs

from tradewind_airflow.ingestion.settings import IngestionSettings
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.triggerer.trigger import ThreadTrigger
from tradewind_airflow.triggers import WorkflowEventsTrigger, WorkflowLifecycleTrigger

RETRIES = 1_000_000_000
RETRY_DELAY = timedelta(seconds=2)


class ThreadSensor(BaseOperator):
    """Defers to a `ThreadTrigger` that runs continuously.

    The scheduler starts the trigger itself (`start_from_trigger`): no worker is needed, and none can be slow to exit
    while its task is deferred, which makes Airflow 3.3 fail the task ("state attribute is queued"). Whatever ends the
    trigger, the task is retried 2 s later, without limit or timeout.

    :param settings: the trigger's settings
    """

    start_from_trigger = True
    trigger_class: ClassVar[type[ThreadTrigger]]

    def __init__(self, *, settings: Any = None, **kwargs: Any) -> None:
        super().__init__(**{"retries": RETRIES, "retry_delay": RETRY_DELAY, **kwargs})
        self._arguments = asdict(settings or self.trigger_class.settings_class())
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{self.trigger_class.__module__}.{self.trigger_class.__qualname__}",
            trigger_kwargs=self._arguments,
            next_method="execute_complete",
            timeout=None,
        )

    def execute(self, context: Context) -> NoReturn:  # noqa: ARG002  # Airflow's signature
        """Defer, where the scheduler did not start the trigger itself (`airflow dags test`)."""
        self.defer(trigger=self.trigger_class(**self._arguments), method_name="execute_complete", timeout=None)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> None:  # noqa: ARG002  # Airflow's signature
        """End the task: the trigger was stopped without an error. `@continuous` starts the next run."""
        self.log.info("%s ended: %s", self.trigger_class.__name__, event)


class WorkflowEventsSensor(ThreadSensor):
    """Runs `WorkflowEventsTrigger` with the given or the default `IngestionSettings`."""

    trigger_class = WorkflowEventsTrigger

    def __init__(self, *, settings: IngestionSettings | None = None, **kwargs: Any) -> None:
        super().__init__(settings=settings, **kwargs)


class WorkflowLifecycleSensor(ThreadSensor):
    """Runs `WorkflowLifecycleTrigger` with the given or the default `LifecycleSettings`."""

    trigger_class = WorkflowLifecycleTrigger

    def __init__(self, *, settings: LifecycleSettings | None = None, **kwargs: Any) -> None:
        super().__init__(settings=settings, **kwargs)
