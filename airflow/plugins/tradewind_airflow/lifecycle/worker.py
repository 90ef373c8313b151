"""The lifecycle's thread, and what it opens."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from airflow.sdk.bases.hook import BaseHook

from tradewind_airflow.lifecycle.changes import ChangeFeed
from tradewind_airflow.lifecycle.publisher import LifecyclePublisher
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.lifecycle.status_topic import StatusTopic
from tradewind_airflow.triggerer.kafka import connection_config
from tradewind_airflow.triggerer.worker import Worker


class LifecycleWorker(Worker):
    """Runs the publisher. Stopped, it writes nothing more; it ends when the request it waits for is answered."""

    def __init__(self, settings: LifecycleSettings, on_end: Callable[[BaseException | None], None]) -> None:
        super().__init__("lifecycle", on_end)
        self._settings = settings

    @contextmanager
    def _opened(self) -> Iterator[LifecyclePublisher]:
        # Read anew each time: a connection that was mended is used at the next attempt.
        kafka = connection_config(self._settings.kafka_conn_id)
        airflow = BaseHook.get_connection(self._settings.airflow_conn_id)
        feed = ChangeFeed(airflow, self._settings.wait)
        with closing(feed), closing(StatusTopic(kafka, self._settings)) as topic:
            yield LifecyclePublisher(feed, topic, self._settings)
