"""What a dashboard is made of, as data; `grafana` turns it into Grafana's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["timeseries", "stat", "piechart", "table"]
Colour = Literal["green", "yellow", "orange", "red", "blue"]


@dataclass(frozen=True)
class Query:
    """One PromQL expression. `@` is replaced by the matchers of the dashboard's variables `job` and `instance`."""

    expr: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True)
class Panel:
    """One panel: its question in the description, and what it shows when there is nothing to show.

    `unit` is one of Grafana's; `span` is of 24 columns; `steps` colour a value from a limit on, the first one being for
    all below; `words` are shown instead of values; a `stacked` series shows shares of a whole.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    span: int = 12
    empty: str = "No data"
    stacked: bool = False
    lowest: float | None = None
    highest: float | None = None
    decimals: int | None = None
    steps: tuple[tuple[float | None, Colour], ...] = ()
    words: Mapping[int, tuple[str, Colour]] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Panels under a heading; their spans fill lines of 24 columns."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Choice:
    """A variable whose values are those of a metric's label. `current` is chosen at first; None is all."""

    name: str
    label: str
    metric: str
    current: str | None = None


@dataclass(frozen=True)
class Dashboard:
    """One dashboard. `choices` are its variables beside the data source."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    choices: tuple[Choice, ...] = ()
    tags: tuple[str, ...] = ()


def source(metric: str, job: str) -> tuple[Choice, Choice]:
    """Return the variables `job` and `instance`, read from a metric that only sources of this kind have."""
    return (
        Choice("job", "Job", metric, job),
        Choice("instance", "Instance", f'{metric}{{job=~"$job"}}'),
    )
