"""The lifecycle's thread and the connections it opens."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from airflow.sdk.bases.hook import BaseHook

from tradewind_airflow.lifecycle.feed_client import ChangeFeedClient
from tradewind_airflow.lifecycle.publisher import LifecyclePublisher
from tradewind_airflow.lifecycle.settings import LifecycleSettings
from tradewind_airflow.lifecycle.status_topic import StatusTopic
from tradewind_airflow.triggerer.kafka import connection_config
from tradewind_airflow.triggerer.worker import Worker


class LifecycleWorker(Worker):
    """Runs the publisher. After `stop` it writes nothing more; it ends when its pending request returns."""

    def __init__(self, settings: LifecycleSettings, on_end: Callable[[BaseException | None], None]) -> None:
        super().__init__("lifecycle", on_end)
        self._settings = settings

    @contextmanager
    def _opened(self) -> Iterator[LifecyclePublisher]:
        # Read each time: the next attempt uses a connection that was corrected.
        kafka = connection_config(self._settings.kafka_conn_id)
        airflow = BaseHook.get_connection(self._settings.airflow_conn_id)
        feed = ChangeFeedClient(airflow, self._settings.wait)
        with closing(feed), closing(StatusTopic(kafka, self._settings)) as topic:
            yield LifecyclePublisher(feed, topic, self._settings)
