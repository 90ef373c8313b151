"""Panels drawn with matplotlib, near enough to Grafana's own to be recognised."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tradewind_dashboards.prometheus import Json, Series
from tradewind_dashboards.units import shown

INK, FAINT, PAPER, CARD, GRID = "#ccccdc", "#8e8e9e", "#111217", "#181b1f", "#2a2d33"
COLOURS = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff9830", "#ff7383", "#b877d9", "#37872d", "#5794f2", "#fa6400", "#96d98d")
NAMED = {"green": "#1a7f4b", "orange": "#c4620f", "red": "#c4162a", "yellow": "#b58b00", "blue": "#1f60c4"}
MEANINGS = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c", "blue": "#5794f2"}
_MAX_LEGEND, _MAX_ROWS = 6, 8


def panel(axes: Axes, spec: Json, series: Sequence[Series]) -> None:
    """Draw one panel with its title; where there is nothing, the words it has for that."""
    axes.set_facecolor(CARD)
    for spine in axes.spines.values():
        spine.set_color(GRID)
    axes.set_title(spec["title"], loc="left", color=INK, fontsize=8, fontweight="bold", pad=4)
    drawn = {"timeseries": _lines, "stat": _stat, "piechart": _pie, "table": _table}[spec["type"]]
    found = [line for line in series if line.points]
    if found:
        drawn(axes, spec, found)
    else:
        _words(axes, _defaults(spec)["noValue"], FAINT, 9)


def _defaults(spec: Json) -> Json:
    defaults: Json = spec["fieldConfig"]["defaults"]
    return defaults


def _words(axes: Axes, text: str, colour: str, size: float) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, ha="center", va="center", color=colour, fontsize=size, transform=axes.transAxes)


def _colours(spec: Json, series: Sequence[Series]) -> list[str]:
    overrides = spec["fieldConfig"]["overrides"]
    return [
        next(
            (
                MEANINGS[override["properties"][0]["value"]["fixedColor"]]
                for override in overrides
                if re.search(override["matcher"]["options"], line.legend)
            ),
            COLOURS[number % len(COLOURS)],
        )
        for number, line in enumerate(series)
    ]


def _lines(axes: Axes, spec: Json, series: Sequence[Series]) -> None:
    defaults, unit = _defaults(spec), _defaults(spec)["unit"]
    stacked = "stacking" in defaults["custom"]
    colours = _colours(spec, series)
    if stacked:
        _stack(axes, series, colours)
    for number, (line, colour) in enumerate(zip(series, colours, strict=True)):
        label = f"{line.legend}  {shown(line.points[-1][1], unit)}" if number < _MAX_LEGEND else None
        times = [time for time, _ in line.points]
        values = [value for _, value in line.points]
        if stacked:
            axes.plot([], [], color=colour, label=label)
        else:
            axes.plot(times, values, color=colour, linewidth=0.9, label=label, marker="." if len(times) < 3 else "")
    axes.set_ylim(bottom=defaults.get("min"), top=defaults.get("max"))
    low, high = axes.get_ylim()
    axes.set_ylim(bottom=low - 0.03 * (high - low))  # a line at the lowest value is seen
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, unit)))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: f"{datetime.fromtimestamp(time, UTC):%H:%M}"))
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.tick_params(colors=FAINT, labelsize=6, length=0)
    axes.grid(color=GRID, linewidth=0.5)
    _legend(axes, len(series) - _MAX_LEGEND)


def _stack(axes: Axes, series: Sequence[Series], colours: list[str]) -> None:
    times = sorted({time for line in series for time, _ in line.points})
    rows = [dict(line.points) for line in series]
    values = [[row.get(time, 0.0) for time in times] for row in rows]
    axes.stackplot(times, values, colors=colours, alpha=0.6)


def _legend(axes: Axes, more: int) -> None:
    if more > 0:
        axes.plot([], [], color=CARD, label=f"… and {more} more")
    style: dict[str, Any] = {"frameon": False, "fontsize": 5.5, "labelcolor": INK, "handlelength": 1}
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncol=2, borderaxespad=0.2, **style)


def _stat(axes: Axes, spec: Json, series: Sequence[Series]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    width = 1 / len(series)
    for number, line in enumerate(series):
        text, colour = _shown(_defaults(spec), line.points[-1][1])
        if colour:
            axes.axvspan(number * width, (number + 1) * width, color=colour, linewidth=0)
        at = (number + 0.5) * width
        size = 15 if len(series) < 4 else 8
        axes.text(at, 0.45, text, ha="center", va="center", color="white", fontsize=size, fontweight="bold")
        if len(series) > 1:
            axes.text(at, 0.85, line.legend, ha="center", va="center", color="white", fontsize=5.5)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)


def _shown(defaults: Json, value: float) -> tuple[str, str]:
    for mapping in defaults.get("mappings", []):
        if found := mapping["options"].get(f"{value:.0f}"):
            return found["text"], NAMED[found["color"]]
    steps = defaults.get("thresholds", {}).get("steps", [])
    reached = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return shown(value, defaults["unit"]), NAMED[reached[-1]] if reached else ""


def _pie(axes: Axes, spec: Json, series: Sequence[Series]) -> None:
    unit = _defaults(spec)["unit"]
    axes.set_xticks([])
    axes.set_yticks([])
    sizes = [line.points[-1][1] for line in series]
    if not sum(sizes):
        _words(axes, _defaults(spec)["noValue"], FAINT, 9)
        return
    wedges = axes.pie(sizes, colors=_colours(spec, series), startangle=90, counterclock=False)[0]
    labels = [f"{line.legend}  {shown(size, unit)}" for line, size in zip(series, sizes, strict=True)]
    axes.legend(wedges, labels, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=6, labelcolor=INK)


def _table(axes: Axes, spec: Json, series: Sequence[Series]) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    unit = _defaults(spec)["unit"]
    columns = sorted({label for line in series for label in line.labels})
    rows = [[line.labels.get(label, "") for label in columns] + [shown(line.points[-1][1], unit)] for line in series]
    rows.sort(key=lambda row: row[:-1])
    found = axes.table(rows[:_MAX_ROWS], colLabels=[*columns, "Value"], loc="upper left", cellLoc="left")
    found.auto_set_font_size(False)
    found.set_fontsize(5.5)
    found.auto_set_column_width(list(range(len(columns) + 1)))
    for cell in found.get_celld().values():
        cell.set(facecolor=CARD, edgecolor=GRID)
        cell.get_text().set_color(INK)
