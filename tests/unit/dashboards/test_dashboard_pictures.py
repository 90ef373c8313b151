"""The pictures of the dashboards: what is asked of Prometheus, and what is drawn of its answer."""

import json
from typing import Any

import httpx
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from tradewind_dashboards import __main__ as generator
from tradewind_dashboards import drawing, pictures
from tradewind_dashboards.prometheus import Prometheus, Series, Span, chosen, filled
from tradewind_dashboards.units import shown

API = json.loads(generator.texts()["api.json"])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "s", "0 s"),
        (0.0042, "s", "4.2 ms"),
        (0.000_5, "s", "500 µs"),
        (90, "s", "1.5 min"),
        (0.875, "percentunit", "87.5%"),
        (0, "bytes", "0 B"),
        (1536, "bytes", "1.5 KiB"),
        (3 * 1024**2, "Bps", "3 MiB/s"),
        (0.25, "reqps", "0.25 req/s"),
        (12_000, "short", "12 K"),
        (-2, "short", "-2"),
        (0, "short", "0"),
        (float("nan"), "s", "NaN"),
    ],
)
def test_values_are_shown_with_their_unit(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text


def test_a_rates_range_holds_four_scrapes() -> None:
    assert Span(0, 3600, 15).variables == {"__rate_interval": "60s", "__range": "3600s"}
    assert Span(0, 86400, 120).variables["__rate_interval"] == "135s"


def test_variables_stand_for_what_is_chosen_at_first() -> None:
    assert chosen(API) == {"job": "fastapi", "instance": ".+"}
    assert filled('up{job=~"$job"}[$__range]', {"job": "a", "__range": "1h"}) == 'up{job=~"a"}[1h]'
    with pytest.raises(KeyError):
        filled("$unknown", {})


def answering(monkeypatch: pytest.MonkeyPatch, data: Any, status: str = "success") -> list[httpx.Request]:
    """Let Prometheus answer so; returns the requests that come."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"status": status, "data": data, "error": "parse error"})

    client = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **more: client(**more, transport=httpx.MockTransport(answer)))
    return asked


def test_a_target_is_asked_over_the_span_and_named_by_its_legend(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"metric": {"handler": "/x", "method": "GET"}, "values": [[0, "1"], [15, "2.5"]]}]
    asked = answering(monkeypatch, {"resultType": "matrix", "result": rows})
    target = {"expr": 'rate(x{job=~"$job"}[$__rate_interval])', "legendFormat": "{{method}} {{handler}} {{none}}"}
    (series,) = Prometheus("http://p/").series(target, API, Span(0, 900, 15))
    assert (series.legend, series.points) == ("GET /x", [(0.0, 1.0), (15.0, 2.5)])
    assert asked[0].url.path == "/api/v1/query_range"
    assert dict(asked[0].url.params)["query"] == 'rate(x{job=~"fastapi"}[60s])'


def test_an_instant_target_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, {"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [9, "3"]}]})
    (series,) = Prometheus("http://p").series({"expr": "x", "instant": True}, API, Span(0, 9, 15))
    assert (series.legend, series.points, asked[0].url.path) == ("b", [(9.0, 3.0)], "/api/v1/query")


def test_a_scalar_is_one_value(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"resultType": "scalar", "result": [9, "3"]})
    assert [series.points for series in Prometheus("http://p").instant("3")] == [[(9.0, 3.0)]]


def test_what_prometheus_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, None, "error")
    with pytest.raises(ValueError, match="parse error"):
        Prometheus("http://p").instant("x{")


def texts(spec: dict[str, Any], series: list[Series]) -> set[str]:
    figure = Figure()
    axes = figure.add_subplot()
    drawing.panel(axes, spec, series)
    cells = {cell.get_text().get_text() for table in axes.tables for cell in table.get_celld().values()}
    return cells | {
        text.get_text() for text in figure.findobj(lambda part: isinstance(part, Text)) if isinstance(text, Text)
    }


def panel(name: str, kind: str) -> dict[str, Any]:
    dashboard = json.loads(generator.texts()[name])
    return next(panel for panel in dashboard["panels"] if panel["type"] == kind)


FAILED = Series("failed", {"dag_id": "a", "state": "failed"}, [(0.0, 1.0), (15.0, 2.0)])


@pytest.mark.parametrize("kind", ["timeseries", "stat", "piechart", "table"])
def test_an_empty_panel_says_what_that_means(kind: str) -> None:
    spec = panel("airflow.json", kind)
    assert spec["fieldConfig"]["defaults"]["noValue"] in texts(spec, [])


@pytest.mark.parametrize(
    ("kind", "wanted"), [("timeseries", "failed  2"), ("stat", "200%"), ("piechart", "failed  2"), ("table", "failed")]
)
def test_a_panel_shows_its_last_value(kind: str, wanted: str) -> None:
    assert wanted in texts(panel("airflow.json", kind), [FAILED])


def test_a_word_stands_for_its_value() -> None:
    spec = next(panel for panel in API["panels"] if panel["title"] == "Kafka")
    assert "connected" in texts(spec, [Series("kafka", {}, [(0.0, 1.0)])])
    assert "down" in texts(spec, [Series("kafka", {}, [(0.0, 0.0)])])


def test_a_dashboards_picture_has_the_height_of_its_panels(monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {"resultType": "matrix", "result": []})
    picture = pictures.draw(json.loads(generator.texts()["ingestion.json"]), Prometheus("http://p"), Span(0, 900, 15))
    assert picture.width == 1040
    assert picture.height > 500
