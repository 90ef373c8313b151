"""One log line when something goes down, and one when it is back."""

import logging
import time

logger = logging.getLogger(__name__)


class Outage:
    """Logs the beginning and the end of an outage, once each. `subject` begins the lines."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._since: float | None = None

    def begin(self, why: object) -> None:
        """Log a warning, unless the outage was logged already."""
        if self._since is None:
            self._since = time.monotonic()
            logger.warning("%s: %s. Retrying until it works; nothing is lost", self._subject, why)

    def end(self) -> None:
        """Log the end of the outage, if there was one."""
        if self._since is not None:
            logger.info("%s: works again after %.1f s", self._subject, time.monotonic() - self._since)
            self._since = None
