"""What a process tells StatsD, for tests to read."""

import socket
import threading
from types import TracebackType
from typing import Self


class StatsdSink:
    """Takes the datagrams that are sent to a port of this machine."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self._lines: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._take)

    @property
    def settings(self) -> dict[str, str]:
        """What has an Airflow tell it all, with tags as the stack has them."""
        return {
            "METRICS__STATSD_ON": "true",
            "METRICS__STATSD_HOST": "127.0.0.1",
            "METRICS__STATSD_PORT": str(self._socket.getsockname()[1]),
            "METRICS__STATSD_INFLUXDB_ENABLED": "true",
            "METRICS__LEGACY_NAMES_ON": "false",
        }

    def _take(self) -> None:
        while not self._ended.is_set():
            try:
                self._lines += self._socket.recv(65535).decode().splitlines()
            except TimeoutError:
                continue

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._socket.close()

    def lines(self) -> list[str]:
        """All that was told so far."""
        return list(self._lines)

    def series(self, prefix: str) -> set[str]:
        """The names, with their tags, that begin so."""
        return {line.partition(":")[0] for line in self._lines if line.startswith(prefix)}
