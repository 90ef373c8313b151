"""The panels that dashboards have most of: lines, quantiles, and single figures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict, Unpack

from tradewind_dashboards.model import Colour, Panel, Query
from tradewind_dashboards.promql import AT, quantiles

RED_FROM_ONE: tuple[tuple[float | None, Colour], ...] = ((None, "green"), (1, "red"))
ORANGE_FROM_ONE: tuple[tuple[float | None, Colour], ...] = ((None, "green"), (1, "orange"))


class Options(TypedDict, total=False):
    """What a panel may have besides; the fields of `Panel`."""

    span: int
    empty: str
    stacked: bool
    highest: float
    decimals: int
    steps: tuple[tuple[float | None, Colour], ...]


def lines(title: str, description: str, unit: str, *queries: Query, **options: Unpack[Options]) -> Panel:
    """Return lines over time on an axis that begins at 0."""
    return Panel(title, description, unit, queries, lowest=0, **options)


def quantile_lines(
    title: str,
    description: str,
    bucket: str,
    matchers: str = AT,
    *,
    exemplars: bool = False,
    **options: Unpack[Options],
) -> Panel:
    """Return the p50, p95 and p99 of a histogram of seconds."""
    queries = (Query(expr, name, exemplars=exemplars) for expr, name in quantiles(bucket, matchers=matchers))
    return lines(title, description, "s", *queries, **options)


def figure(title: str, description: str, expr: str, legend: str, **options: Unpack[Options]) -> Panel:
    """Return one whole number."""
    panel = Panel(title, description, "short", (Query(expr, legend),), kind="stat", span=6, decimals=0)
    return replace(panel, **options)


def success_rate(title: str, description: str, expr: str) -> Panel:
    """Return the share of ended runs that succeeded."""
    panel = figure(title, description, expr, "success rate", empty="No run ended", decimals=1)
    steps: tuple[tuple[float | None, Colour], ...] = ((None, "red"), (0.9, "orange"), (0.99, "green"))
    return replace(panel, unit="percentunit", lowest=0, highest=1, steps=steps)


def states(
    title: str, description: str, words: Mapping[int, tuple[str, Colour]], *queries: Query, **options: Unpack[Options]
) -> Panel:
    """Return values as words, one for each series."""
    return Panel(title, description, "short", queries, kind="stat", words=words, **options)
