"""What a benchmark leaves behind: one JSON file, in the shape of `architecture.md` section 6."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"

Figures = dict[str, float]


@dataclass(frozen=True)
class Limit:
    """A figure that `architecture.md` section 5 bounds: from above, or (`at_least`) from below."""

    figure: str
    limit: float
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Whether `value` keeps the limit."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True)
class Benchmark:
    """The figures of one run: ours, the peer's, and ours against the peer's."""

    name: str
    figures: Figures
    peer: Figures = field(default_factory=dict)
    ratios: Figures = field(default_factory=dict)
    limits: Sequence[Limit] = ()

    def verdicts(self) -> list[dict[str, object]]:
        """Each limit with what was measured; a missed one is reported as missed."""
        known = self.figures | self.ratios
        return [
            asdict(limit) | {"value": known[limit.figure], "met": limit.is_met(known[limit.figure])}
            for limit in self.limits
        ]

    def write(self) -> Path:
        """Write `results/<name>.json`."""
        limits = self.verdicts()
        document = {
            "name": self.name,
            "command": f"make bench NAME={self.name}",
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "figures": rounded(self.figures),
            "peer": rounded(self.peer),
            "ratios": rounded(self.ratios),
            "limits": limits,
            "met": all(limit["met"] for limit in limits),
        }
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        path.write_text(json.dumps(document, indent=2) + "\n")
        return path


def percentiles(seconds: Sequence[float]) -> Figures:
    """Return p50, p95, p99 and the largest of some durations, in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    named = {"p50_ms": cuts[49], "p95_ms": cuts[94], "p99_ms": cuts[98], "max_ms": max(seconds)}
    return {name: value * 1000 for name, value in named.items()}


def prefixed(prefix: str, figures: Figures) -> Figures:
    """Return the figures under longer names."""
    return {f"{prefix}_{name}": value for name, value in figures.items()}


def rounded(figures: Figures) -> Figures:
    """Return the figures with three significant places after the point."""
    return {name: round(value, 3) for name, value in figures.items()}


def machine() -> dict[str, object]:
    """Say what the figures were measured on."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
    }
