"""One line when something goes down, and one when it is back."""

import logging
import time

logger = logging.getLogger(__name__)


class Outage:
    """What is down right now, for the log alone. `subject` begins the lines."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._since: float | None = None

    def begin(self, why: object) -> None:
        """Warn, unless the outage was told already."""
        if self._since is None:
            self._since = time.monotonic()
            logger.warning("%s: %s. Nothing is lost; trying again until it works", self._subject, why)

    def end(self) -> None:
        """Say that it works again, after an outage."""
        if self._since is not None:
            logger.info("%s: works again after %.1f s", self._subject, time.monotonic() - self._since)
            self._since = None
