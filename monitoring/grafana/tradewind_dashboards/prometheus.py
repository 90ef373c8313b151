"""A client of Prometheus that queries what panels query, with Grafana's variables filled in as Grafana does."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import httpx

Json = dict[str, Any]

SCRAPE_SECONDS = 15
"""`timeInterval` of the provisioned data source."""


@dataclass(frozen=True)
class Span:
    """A range of time, seconds since the epoch, and the distance of its points."""

    start: float
    end: float
    step: float

    @property
    def variables(self) -> dict[str, str]:
        """Grafana's variables that follow from it. A rate's range holds four scrapes at least."""
        interval = max(self.step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)
        return {"__rate_interval": f"{interval:.0f}s", "__range": f"{self.end - self.start:.0f}s"}


@dataclass(frozen=True)
class Series:
    """Points of one line: (time, value), in order; `legend` as the panel names it."""

    legend: str
    labels: dict[str, str]
    points: list[tuple[float, float]]


def panels(dashboard: Json) -> Iterator[Json]:
    """The panels that ask something."""
    return (panel for panel in dashboard["panels"] if panel["type"] != "row")


def chosen(dashboard: Json) -> dict[str, str]:
    """Return the value of each variable as the dashboard is opened."""
    found = {}
    for variable in dashboard.get("templating", {}).get("list", []):
        if variable["type"] == "query":
            values = variable["current"]["value"]
            found[variable["name"]] = ".+" if "$__all" in values else "|".join(map(re.escape, values))
    return found


def filled(expression: str, variables: dict[str, str]) -> str:
    """Return the expression with its variables replaced; raises KeyError for one that is not known."""
    return re.sub(r"\$(\w+)", lambda match: variables[match[1]], expression)


class Prometheus:
    """Prometheus' HTTP API, as far as panels need it; a context, as it keeps connections."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=f"{url.rstrip('/')}/api/v1/", timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def series(self, target: Json, dashboard: Json, span: Span) -> list[Series]:
        """Return what a target asks for: lines over the span, or one point each where it is instant."""
        query = filled(target["expr"], chosen(dashboard) | span.variables)
        if target.get("instant"):
            rows = self._ask("query", query=query, time=span.end)
            return [_series(target, row["metric"], [row["value"]]) for row in rows]
        rows = self._ask("query_range", query=query, start=span.start, end=span.end, step=span.step)
        return [_series(target, row["metric"], row["values"]) for row in rows]

    def instant(self, query: str) -> list[Series]:
        """Return an expression's values now."""
        return [_series({}, row["metric"], [row["value"]]) for row in self._ask("query", query=query)]

    def names(self) -> set[str]:
        """Return the name of every metric that is stored."""
        return set(self._get("label/__name__/values", {}))

    def traces(self, metric: str, span: Span) -> set[str]:
        """Return the trace ids of a metric's exemplars."""
        found = self._get("query_exemplars", {"query": metric, "start": str(span.start), "end": str(span.end)})
        return {exemplar["labels"]["trace_id"] for series in found for exemplar in series["exemplars"]}

    def _ask(self, path: str, **parameters: str | float) -> list[Json]:
        data = self._get(path, {name: str(value) for name, value in parameters.items()})
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        rows: list[Json] = data["result"]
        return rows

    def _get(self, path: str, parameters: dict[str, str]) -> Any:
        answer = self._client.get(path, params=parameters).json()
        if answer["status"] != "success":
            raise ValueError(f"{answer['error']}: {parameters}")
        return answer["data"]


def _series(target: Json, labels: dict[str, str], values: list[tuple[float, str]]) -> Series:
    legend = re.sub(r"\{\{(\w+)\}\}", lambda match: labels.get(match[1], ""), target.get("legendFormat", ""))
    points = [(float(time), float(value)) for time, value in values]
    return Series(legend.strip() or ", ".join(labels.values()) or "value", labels, points)
