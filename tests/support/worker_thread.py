"""A trigger's thread as it runs in the triggerer, and the connections that it finds in its environment."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar
from unittest.mock import patch

from support.airflow_server import AirflowServer


class Worker(Protocol):
    """What a trigger starts and stops."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Ask for the end."""
        ...


AnyWorker = TypeVar("AnyWorker", bound=Worker)


def connections(server: AirflowServer, bootstrap_servers: str, **kafka: Any) -> dict[str, str]:
    """The environment variables of its Airflow connections."""
    extra = {"bootstrap.servers": bootstrap_servers, **kafka}
    return {
        "AIRFLOW_CONN_TRADEWIND_KAFKA": json.dumps({"conn_type": "kafka", "extra": extra}),
        "AIRFLOW_CONN_TRADEWIND_AIRFLOW": server.connection(),
    }


@contextmanager
def running(
    make: Callable[[Callable[[BaseException | None], None]], AnyWorker], env: Mapping[str, str], seconds: float = 20
) -> Iterator[AnyWorker]:
    """Run the thread; on leaving it has to end within `seconds`, and without an error."""
    ended = threading.Event()
    errors: list[BaseException] = []

    def on_end(error: BaseException | None) -> None:
        errors.extend([error] if error else [])
        ended.set()

    with patch.dict(os.environ, env):
        worker = make(on_end)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop()
            assert ended.wait(seconds), "the thread did not end"
    assert errors == []
