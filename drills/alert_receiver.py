"""A receiver of Alertmanager's webhooks that records what it received, and when."""

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Notice:
    """One alert of one message. `at`: seconds of the monotonic clock."""

    at: float
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    def is_about(self, labels: dict[str, str]) -> bool:
        """Whether it has these labels, among others."""
        return labels.items() <= self.labels.items()


@dataclass
class Receiver:
    """Listens on a free port of this machine until it is closed."""

    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Where Alertmanager has to post."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def first(self, status: str, labels: dict[str, str], after: float = 0) -> Notice | None:
        """Return the first notice of a status about `labels` that came after a moment."""
        found = (n for n in list(self.notices) if n.status == status and n.at > after and n.is_about(labels))
        return next(found, None)

    def take(self, message: dict[str, Any]) -> None:
        """Remember a message's alerts."""
        now = time.monotonic()
        self.notices += [Notice(now, row["status"], row["labels"], row["annotations"]) for row in message["alerts"]]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.take(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base has
                """Keep quiet."""

        return Handler
