"""The rules of grafana's dashboard-linter, which cannot be had here, and some of ours, over a dashboard's JSON.

Its exceptions are in monitoring/grafana/.lint, in its own format, so that the linter itself would honour them.
https://github.com/grafana/dashboard-linter/blob/main/docs/index.md
"""

from collections.abc import Callable, Iterator
from typing import Any

from support import promql

Json = dict[str, Any]
Fault = tuple[str, str]
"""The rule, and where and what."""

UNITS = frozenset({"short", "percentunit", "s", "bytes", "Bps", "reqps", "cps"})
"""Those of Grafana's units that ours use."""

SCRAPED_BY_NAME = frozenset({"up", "ALERTS", "scrape_samples_scraped", "scrape_duration_seconds"})
"""Series that Prometheus makes itself: they are of every job at once."""

COUNTERS = ("_total", "_count", "_sum", "_bucket")
RATES = frozenset({"rate", "irate"})
GROWTHS = RATES | {"increase", "resets"}


def faults(dashboard: Json, exclusions: Json | None = None) -> list[Fault]:
    """Every fault that is not excluded."""
    excluded = {
        (rule, entry["dashboard"], entry.get("panel"))
        for rule, found in (exclusions or {}).items()
        for entry in found["entries"]
    }
    title = dashboard.get("title", "")
    return [
        (rule, f"{panel or title}: {what}")
        for rule, panel, what in _all(dashboard)
        if not {(rule, title, None), (rule, title, panel)} & excluded
    ]


def panels(dashboard: Json) -> list[Json]:
    """The panels that show something."""
    return [panel for panel in dashboard.get("panels", []) if panel.get("type") not in {"row", "text"}]


def variables(dashboard: Json) -> dict[str, Json]:
    """The variables, by name."""
    return {variable["name"]: variable for variable in dashboard.get("templating", {}).get("list", [])}


def _all(dashboard: Json) -> Iterator[tuple[str, str, str]]:
    for rule, check in _OF_DASHBOARDS.items():
        yield from ((rule, "", what) for what in check(dashboard))
    for panel in panels(dashboard):
        title = str(panel.get("title", ""))
        for rule, check in _OF_PANELS.items():
            yield from ((rule, title, what) for what in check(panel))
        for target in panel.get("targets", []):
            yield from _of_target(title, str(target.get("expr", "")))


def _of_target(title: str, expression: str) -> Iterator[tuple[str, str, str]]:
    try:
        found = promql.uses(expression)
    except ValueError as error:
        yield "target-promql-rule", title, f"{expression}: {error}"
        return
    for use in found:
        for rule, check in _OF_SELECTORS.items():
            if what := check(use):
                yield rule, title, f"{use.metric} {what}"


def _datasource(dashboard: Json) -> Iterator[str]:
    variable = variables(dashboard).get("datasource", {})
    wanted = {"type": "datasource", "query": "prometheus", "label": "Data source"}
    if {name: variable.get(name) for name in wanted} != wanted:
        yield f"the variable datasource is not {wanted}"


def _variable(name: str, label: str) -> Callable[[Json], Iterator[str]]:
    wanted = {"type": "query", "label": label, "multi": True, "includeAll": True, "allValue": ".+"}

    def check(dashboard: Json) -> Iterator[str]:
        variable = variables(dashboard).get(name, {})
        found = {key: variable.get(key) for key in wanted}
        if found != wanted or variable.get("datasource", {}).get("uid") != "$datasource":
            yield f"the variable {name} is not {wanted} of $datasource"

    return check


def _label_promql(dashboard: Json) -> Iterator[str]:
    for name, variable in variables(dashboard).items():
        if variable.get("type") != "query":
            continue
        query = str(variable.get("query", ""))
        selector = query.removeprefix("label_values(").rpartition(",")[0]
        try:
            promql.parse(selector)
        except ValueError as error:
            yield f"the variable {name}: {query}: {error}"


def _time_change_reload(dashboard: Json) -> Iterator[str]:
    for name, variable in variables(dashboard).items():
        if variable.get("type") == "query" and variable.get("refresh") != 2:
            yield f"the variable {name} is not read again when the time range changes"


def _uneditable(dashboard: Json) -> Iterator[str]:
    if dashboard.get("editable") is not False:
        yield "it can be edited"


def _refreshes(dashboard: Json) -> Iterator[str]:
    if not dashboard.get("refresh"):
        yield "it does not refresh by itself"


def _panel_datasource(panel: Json) -> Iterator[str]:
    places = [panel, *panel.get("targets", [])]
    if any(place.get("datasource", {}).get("uid") != "$datasource" for place in places):
        yield "its data source is not $datasource"


def _panel_title(panel: Json) -> Iterator[str]:
    if not panel.get("title") or not str(panel.get("description", "")).endswith((".", "?")):
        yield "it has no title, or no description in sentences"


def _panel_units(panel: Json) -> Iterator[str]:
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit")
    if unit not in UNITS:
        yield f"its unit {unit} is none of {sorted(UNITS)}"


def _panel_targets(panel: Json) -> Iterator[str]:
    if not panel.get("targets"):
        yield "it asks nothing"


def _panel_empty(panel: Json) -> Iterator[str]:
    if not panel.get("fieldConfig", {}).get("defaults", {}).get("noValue"):
        yield "it does not say what no value means"


def _rate_interval(use: promql.Use) -> str:
    wrong = use.function in RATES and use.range != promql.RATE_INTERVAL
    return f"is rated over {use.range}, not over $__rate_interval" if wrong else ""


def _counter(use: promql.Use) -> str:
    bare = use.metric.endswith(COUNTERS) and use.function not in GROWTHS and not use.is_birth
    return "is a counter and shown as it stands" if bare else ""


def _matcher(label: str) -> Callable[[promql.Use], str]:
    def check(use: promql.Use) -> str:
        return "" if use.matchers.get(label) == ("=~", f"${label}") else f"is not matched by {label}"

    return check


def _some_job(use: promql.Use) -> str:
    return "" if "job" in use.matchers or use.metric in SCRAPED_BY_NAME else "is of any job"


_OF_DASHBOARDS: dict[str, Callable[[Json], Iterator[str]]] = {
    "template-datasource-rule": _datasource,
    "template-job-rule": _variable("job", "Job"),
    "template-instance-rule": _variable("instance", "Instance"),
    "template-label-promql-rule": _label_promql,
    "template-on-time-change-reload-rule": _time_change_reload,
    "uneditable-dashboard-rule": _uneditable,
    "our-refresh-rule": _refreshes,
}
_OF_PANELS: dict[str, Callable[[Json], Iterator[str]]] = {
    "panel-datasource-rule": _panel_datasource,
    "panel-title-description-rule": _panel_title,
    "panel-units-rule": _panel_units,
    "panel-no-targets-rule": _panel_targets,
    "our-empty-state-rule": _panel_empty,
}
_OF_SELECTORS: dict[str, Callable[[promql.Use], str]] = {
    "target-rate-interval-rule": _rate_interval,
    "target-counter-agg-rule": _counter,
    "target-job-rule": _matcher("job"),
    "target-instance-rule": _matcher("instance"),
    "our-some-job-rule": _some_job,
}
RULES = {"target-promql-rule", *_OF_DASHBOARDS, *_OF_PANELS, *_OF_SELECTORS}
