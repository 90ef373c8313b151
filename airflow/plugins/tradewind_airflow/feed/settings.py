"""How the feed watches: section `[tradewind]` of Airflow's configuration, or `AIRFLOW__TRADEWIND__…` variables."""

from dataclasses import dataclass
from functools import cache
from typing import Self

from airflow.configuration import conf

from tradewind_contracts.events import Metadata

SECTION = "tradewind"


@dataclass(frozen=True)
class FeedSettings:
    """Times in seconds. Airflow takes a section that it does not know as it stands."""

    watch_interval: float = 0.2
    """From the end of one look at the database to the next, while anyone listens."""

    progress_interval: float = 1.0
    """The same for counting the tasks of watched runs, and for reading the watched runs whatever their stamps say."""

    heartbeat_interval: float = 15.0
    """After which a silent stream of events sends a comment, so that nobody on the way takes it for dead."""

    max_watchers: int = 5000
    """Clients that one process lets wait at a time; the next one is answered 503."""

    @classmethod
    def from_config(cls) -> Self:
        """Read the section; raise Airflow's error for what is no number."""
        return cls(
            watch_interval=_seconds("watch_interval", cls.watch_interval),
            progress_interval=_seconds("progress_interval", cls.progress_interval),
            heartbeat_interval=_seconds("heartbeat_interval", cls.heartbeat_interval),
            max_watchers=conf.getint(SECTION, "max_watchers", fallback=cls.max_watchers),
        )


@cache
def metadata() -> Metadata:
    """Return what every status event says of this Airflow: the option `environment`, `dev` without one."""
    return Metadata(environment=conf.get(SECTION, "environment", fallback="dev"))


def _seconds(name: str, default: float) -> float:
    # A pause of nothing would be a loop that never rests.
    return max(0.01, float(conf.getfloat(SECTION, name, fallback=default)))
