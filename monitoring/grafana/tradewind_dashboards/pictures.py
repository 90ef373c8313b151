"""`python -m tradewind_dashboards.pictures URL`: draw every dashboard from a running Prometheus into docs/images.

No Grafana server can be had from the package registries, so these are drawn by matplotlib, from the same JSON and by
the same queries. What they show is real; how it looks is only like Grafana.
"""

import io
import json
import sys
import time
from pathlib import Path

from matplotlib.figure import Figure
from PIL import Image

from tradewind_dashboards import drawing
from tradewind_dashboards.__main__ import FOLDER
from tradewind_dashboards.prometheus import Json, Prometheus, Span

IMAGES = Path(__file__).parents[3] / "docs" / "images"
_WIDTH, _UNIT, _DPI = 13.0, 0.27, 80
"""Inches of the picture, and of a grid unit's height."""


def draw(dashboard: Json, prometheus: Prometheus, span: Span) -> Image.Image:
    """Return the dashboard's picture over a span of time."""
    lines = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"]) + 2
    figure = Figure(figsize=(_WIDTH, lines * _UNIT), dpi=_DPI, facecolor=drawing.PAPER)
    figure.text(0.012, 1 - 1 / lines, dashboard["title"], color="white", fontsize=13, fontweight="bold", va="center")
    for panel in dashboard["panels"]:
        _place(figure, panel, lines, dashboard, prometheus, span)
    return _compact(figure)


def _place(figure: Figure, panel: Json, lines: float, dashboard: Json, prometheus: Prometheus, span: Span) -> None:
    at = panel["gridPos"]
    left, top = at["x"] / 24, 1 - (at["y"] + 2) / lines
    if panel["type"] == "row":
        figure.text(left + 0.012, top - 0.5 / lines, panel["title"], color=drawing.INK, fontsize=9, va="center")
        return
    series = [line for target in panel["targets"] for line in prometheus.series(target, dashboard, span)]
    # Room for the axis on the left, the title above, and the legend below.
    plot = panel["type"] == "timeseries"
    left_room, below = (0.043, 2.6) if plot else (0.012, 0.4)
    height = at["h"] - 1 - below
    box = (left + left_room, top - (1 + height) / lines, at["w"] / 24 - left_room - 0.01, height / lines)
    drawing.panel(figure.add_axes(box), panel, series)


def _compact(figure: Figure) -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, facecolor=figure.get_facecolor())
    return Image.open(buffer).convert("RGB").quantize(64)


def main(url: str, minutes: float) -> None:
    """Draw all, over the last minutes."""
    now = time.time()
    span = Span(now - 60 * minutes, now, max(15.0, minutes / 2))
    IMAGES.mkdir(exist_ok=True)
    with Prometheus(url) as prometheus:
        for path in sorted(FOLDER.glob("*.json")):
            picture = draw(json.loads(path.read_text()), prometheus, span)
            picture.save(IMAGES / f"dashboard-{path.stem}.png", optimize=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 30)
