"""Grafana's JSON of a dashboard, by Grafana's own builders (grafana-foundation-sdk)."""

import json
import re
from collections.abc import Iterable
from typing import Any

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import piechart, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import piechart as piechart_models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from tradewind_dashboards.model import Choice, Dashboard, Panel, Query
from tradewind_dashboards.promql import AT

DATASOURCE_UID = "tradewind-prometheus"
"""The uid of the provisioned data source."""

MATCHERS = 'job=~"$job", instance=~"$instance"'
REFRESH = "30s"
_DATASOURCE = common.DataSourceRef("prometheus", "$datasource")
_HEIGHTS = {"timeseries": 8, "piechart": 8, "table": 8, "stat": 4}

_MEANINGS = {
    "red": "failed|dead-lettered|forbidden|5..|5xx|internal|down",
    "orange": "up_for_retry|unavailable|conflict|kafka-unavailable|engine-unavailable",
    "green": "success|succeeded|created|accepted|2..",
    "blue": "running|exists|deduplicated|skipped",
}
"""Colours of states, statuses and outcomes, whatever else precedes them in a legend."""

_OF_STATES = re.compile(r"\{\{(state|status|outcome)\}\}|failed|succeeded|running|5xx")

_Visual = timeseries.Panel | stat.Panel | piechart.Panel | table.Panel


def render(board: Dashboard) -> str:
    """Return the dashboard as a JSON text that does not change unless the dashboard does."""
    built = builders.Dashboard(board.title).uid(board.uid).description(board.description)
    built.tags(["tradewind", *board.tags]).readonly().refresh(REFRESH).time("now-1h", "now").timezone("browser")
    built.tooltip(dashboard.DashboardCursorSync.CROSSHAIR).link(_siblings())
    built.with_variable(_datasource())
    for choice in board.choices:
        built.with_variable(_variable(choice))
    for row in board.rows:
        built.with_row(builders.Row(row.title))
        for panel in row.panels:
            built.with_panel(_panel(panel))
    found = built.build()
    _number(found.panels or [])
    document = json.loads(JSONEncoder(sort_keys=True).encode(found))
    _drop_what_grafana_refuses(document)
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _drop_what_grafana_refuses(document: dict[str, Any]) -> None:
    # The builders' defaults are of several Grafanas; these are in no type of today's (`make grafana-types`).
    for variable in document["templating"]["list"]:
        for name in ("auto", "auto_count", "auto_min"):
            variable.pop(name, None)
    for panel in document["panels"]:
        if panel["type"] == "table":
            panel["options"].pop("footer", None)


def _number(panels: Iterable[dashboard.Panel | dashboard.RowPanel]) -> None:
    # Links and alerts name a panel by its id: Grafana would give others at each load.
    for number, panel in enumerate(panels, 1):
        panel.id_val = number


def _siblings() -> builders.DashboardLink:
    link = builders.DashboardLink("Tradewind").type(dashboard.DashboardLinkType.DASHBOARDS)
    return link.tags(["tradewind"]).as_dropdown(True).keep_time(True).include_vars(False)


def _datasource() -> builders.DatasourceVariable:
    variable = builders.DatasourceVariable("datasource").type("prometheus").label("Data source")
    return variable.current(dashboard.VariableOption(selected=True, text="Prometheus", value=DATASOURCE_UID))


def _variable(choice: Choice) -> builders.QueryVariable:
    chosen, shown = (choice.current, choice.current) if choice.current else ("$__all", "All")
    variable = builders.QueryVariable(choice.name).label(choice.label).datasource(_DATASOURCE)
    variable.query(f"label_values({choice.metric}, {choice.name})")
    variable.multi(True).include_all(True).all_value(".+")
    variable.refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable.sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    return variable.current(dashboard.VariableOption(selected=True, text=[shown], value=[chosen]))


def _panel(panel: Panel) -> _Visual:
    visual = _visual(panel)
    visual.title(panel.title).description(panel.description).unit(panel.unit).no_value(panel.empty)
    visual.datasource(_DATASOURCE).span(panel.span).height(_HEIGHTS[panel.kind])
    if panel.lowest is not None:
        visual.min(panel.lowest)
    if panel.highest is not None:
        visual.max(panel.highest)
    if panel.decimals is not None:
        visual.decimals(panel.decimals)
    if panel.steps:
        visual.thresholds(_thresholds(panel))
    if panel.words:
        visual.mappings([_words(panel)])
    if any(_OF_STATES.search(query.legend) for query in panel.queries):
        for colour, words in _MEANINGS.items():
            visual.override_by_regexp(f"^(.* )?({words})$", [_fixed(colour)])
    return visual.targets(
        [_target(panel, query, letter) for query, letter in zip(panel.queries, "ABCDEFGH", strict=False)]
    )


def _visual(panel: Panel) -> _Visual:
    match panel.kind:
        case "timeseries":
            return _timeseries(panel)
        case "stat":
            colour = (
                common.BigValueColorMode.BACKGROUND if panel.steps or panel.words else common.BigValueColorMode.VALUE
            )
            return stat.Panel().reduce_options(_last()).color_mode(colour).graph_mode(common.BigValueGraphMode.AREA)
        case "piechart":
            legend = piechart.PieChartLegendOptions().show_legend(True).placement(common.LegendPlacement.RIGHT)
            legend.display_mode(common.LegendDisplayMode.TABLE).values([piechart_models.PieChartLegendValues.VALUE])
            return piechart.Panel().reduce_options(_last()).legend(legend)
        case "table":
            hidden = dashboard.DataTransformerConfig("organize", options={"excludeByName": {"Time": True}})
            return table.Panel().filterable(True).with_transformation(hidden)


def _timeseries(panel: Panel) -> timeseries.Panel:
    legend = common_builders.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    legend.display_mode(common.LegendDisplayMode.TABLE).calcs(["lastNotNull", "max"])
    tooltip = (
        common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
    )
    visual = timeseries.Panel().legend(legend).tooltip(tooltip).fill_opacity(10).line_width(1)
    visual.show_points(common.VisibilityMode.AUTO).span_nulls(False)
    if panel.stacked:
        visual.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")).fill_opacity(40)
    return visual


def _fixed(colour: str) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _last() -> common_builders.ReduceDataOptions:
    return common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _thresholds(panel: Panel) -> builders.ThresholdsConfig:
    steps = [dashboard.Threshold(value, colour) for value, colour in panel.steps]
    return builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)


def _words(panel: Panel) -> dashboard.ValueMap:
    shown = {
        str(value): dashboard.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(panel.words.items())
    }
    return dashboard.ValueMap(options=shown)


def _target(panel: Panel, query: Query, letter: str) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).datasource(_DATASOURCE).expr(expression(query))
    if query.legend:
        target.legend_format(query.legend)
    if query.exemplars:
        target.exemplar(True)
    if panel.kind in {"table", "piechart"}:
        target.instant()
    if panel.kind == "table":
        target.format(prometheus_models.PromQueryFormat.TABLE)
    return target


def expression(query: Query) -> str:
    """Return the query's PromQL, with the matchers in their places."""
    return query.expr.replace("{" + AT, "{" + MATCHERS)
