"""The feed's settings: section `[tradewind]` of Airflow's configuration, or `AIRFLOW__TRADEWIND__…` variables."""

from dataclasses import dataclass
from functools import cache
from typing import Self

from airflow.configuration import conf

from tradewind_contracts.events import Metadata

SECTION = "tradewind"


@dataclass(frozen=True)
class FeedSettings:
    """Times in seconds. Airflow does not validate a section that it does not know."""

    watch_interval: float = 0.2
    """From the end of one poll of the database to the next, while clients are waiting."""

    progress_interval: float = 1.0
    """The same for counting the tasks of watched runs, and for reading the watched runs whatever their timestamps."""

    heartbeat_interval: float = 15.0
    """Idle time after which an event stream sends a comment, so that no proxy closes it."""

    max_watchers: int = 5000
    """Clients that may wait in one process at a time; the next one gets 503."""

    @classmethod
    def from_config(cls) -> Self:
        """Read the section; raise Airflow's error for a value that is not a number."""
        return cls(
            watch_interval=_seconds("watch_interval", cls.watch_interval),
            progress_interval=_seconds("progress_interval", cls.progress_interval),
            heartbeat_interval=_seconds("heartbeat_interval", cls.heartbeat_interval),
            max_watchers=conf.getint(SECTION, "max_watchers", fallback=cls.max_watchers),
        )


@cache
def metadata() -> Metadata:
    """Return the metadata of every status event: the option `environment`, `dev` by default."""
    return Metadata(environment=conf.get(SECTION, "environment", fallback="dev"))


def _seconds(name: str, default: float) -> float:
    # Zero would be a busy loop.
    return max(0.01, float(conf.getfloat(SECTION, name, fallback=default)))
