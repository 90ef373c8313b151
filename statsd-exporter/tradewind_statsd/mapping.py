"""statsd_exporter's mapping, and the settings by which Airflow sends it metrics.

Generated from Airflow's own registry of metrics, the `stats` calls in our plugin's source, and `metric_rules`. Airflow
sends tags in InfluxDB's style, which statsd_exporter reads as labels: a rule is for one name and needs no pattern.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # published without types

from tradewind_statsd import metric_rules as rules

FOLDER = Path(__file__).parents[1]
PLUGINS = FOLDER.parent / "airflow" / "plugins"
REGISTRY = "_shared/observability/metrics/metrics_template.yaml"
TYPES = {"incr": "counter", "gauge": "gauge", "timing": "timer", "timer": "timer"}
HEADER = """\
# Written by `make statsd-mapping` from the metrics registry of Airflow {version} and the stats calls of our plugin.
# What they do not say (units, buckets, life times) is in statsd-exporter/tradewind_statsd/metric_rules.py.
"""
SETTINGS = {
    "STATSD_ON": "True",
    "STATSD_PREFIX": "airflow",
    "STATSD_INFLUXDB_ENABLED": "True",
    "LEGACY_NAMES_ON": "False",
    "METRICS_BLOCK_LIST": ",".join(rules.BLOCKED),
}


@dataclass(frozen=True)
class Metric:
    """A metric as Airflow's client names it, without the prefix; `type`: counter, gauge or timer."""

    name: str
    type: str
    description: str

    @property
    def exported(self) -> str:
        """Its name in Prometheus."""
        plain = "airflow_" + re.sub(r"[^a-z0-9]+", "_", self.name.lower())
        return rules.NAMES.get(self.name, plain + {"counter": "_total", "gauge": "", "timer": "_seconds"}[self.type])


def registry() -> tuple[str, list[Metric]]:
    """The installed Airflow's version, and all that it says it can send."""
    spec = find_spec("airflow")
    if spec is None or spec.origin is None:
        raise RuntimeError("apache-airflow is not installed")
    rows = yaml.safe_load((Path(spec.origin).parent / REGISTRY).read_text())["metrics"]
    version = re.search(r'^__version__ = "(.+)"', Path(spec.origin).read_text(), re.MULTILINE)
    metrics = [Metric(row["name"], row["type"], _sentence(row["description"])) for row in rows]
    return version[1] if version else "", metrics


def _sentence(text: str) -> str:
    first = re.split(r"(?<=\.)\s", " ".join(text.replace("``", "").split()))[0]
    return re.sub(r"[{}]", "", first)


def ours(source: Path = PLUGINS) -> list[Metric]:
    """What our plugin sends: every `stats.…("tradewind.…")` in its source. Raises ValueError for a made-up name."""
    found = {metric.name: metric for path in sorted(source.rglob("*.py")) for metric in _calls(path)}
    return [found[name] for name in sorted(found)]


def _calls(path: Path) -> Iterator[Metric]:
    tree = ast.parse(path.read_text())
    constants = _constants(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="stats"), attr=method)) if method in TYPES:
                name = _text(node.args[0] if node.args else None, constants)
                if name is None:
                    raise ValueError(
                        f"{path}:{node.lineno}: a metric's name must be a constant, its parts that vary tags"
                    )
                if name.startswith("tradewind."):
                    yield Metric(name, TYPES[method], "Of the Tradewind plugin")


def _constants(tree: ast.Module) -> dict[str, str]:
    """The texts that the module gives names to."""
    found: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                found[name] = text
            case _:
                continue
    return found


def _text(node: ast.expr | None, constants: dict[str, str]) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            return constants.get(name)
        case _:
            return None


def mapping(metrics: list[Metric]) -> dict[str, Any]:
    """statsd_exporter's mapping: each metric by its name, the useless dropped by name, then all that is left."""
    fixed = [metric for metric in metrics if "{" not in metric.name]
    rows = [row for metric in fixed for row in _rows(metric)]
    rest = {"match": ".", "match_type": "regex", "action": "drop", "name": "dropped"}
    defaults = {"glob_disable_ordering": True, "observer_type": "histogram"}
    return {"defaults": defaults | {"histogram_options": {"buckets": rules.LOOP}}, "mappings": [*rows, rest]}


def _rows(metric: Metric) -> Iterator[dict[str, Any]]:
    match = f"airflow.{metric.name}"
    if metric.name in rules.DROPPED:
        yield {"match": match, "action": "drop", "name": "dropped"}
        return
    row: dict[str, Any] = {"match": match, "name": metric.exported, "help": metric.description}
    if labels := rules.LABELS.get(metric.name):
        row["labels"] = labels
    if scale := rules.SCALES.get(metric.name):
        row["scale"] = scale
    if metric.type == "timer":
        row["histogram_options"] = {"buckets": _first(rules.BUCKETS, metric.name)}
    if metric.type == "gauge" and (ttl := _first(rules.TTLS, metric.name)):
        row["ttl"] = ttl
    yield row
    if metric.name in rules.BY_EXECUTOR:
        yield row | {"match": f"{match}.*"}


def _first(table: dict[str, Any], name: str) -> Any:
    return next((value for start, value in table.items() if name.startswith(start)), None)


def files() -> dict[str, str]:
    """The files of the folder, by name."""
    version, of_airflow = registry()
    header = HEADER.format(version=version)
    # Anchors for lists that come twice would be read by nobody.
    yaml.SafeDumper.ignore_aliases = lambda *_: True
    text = yaml.safe_dump(mapping(of_airflow + ours()), sort_keys=False, width=1000, default_flow_style=None)
    settings = "".join(f"AIRFLOW__METRICS__{name}={value}\n" for name, value in SETTINGS.items())
    return {"mapping.yml": header + text, "airflow.env": header + settings}


def write() -> None:
    """Write the files."""
    for name, text in files().items():
        (FOLDER / name).write_text(text)
