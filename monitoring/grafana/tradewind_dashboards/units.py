"""Numbers as people read them, by Grafana's names of units."""

import math
from collections.abc import Sequence

_TIMES = ((1e-6, "µs"), (1e-3, "ms"), (1, "s"), (60, "min"), (3600, "h"), (86400, "d"))
_BINARY = tuple(
    (1024.0**power, f"{letter}iB" if letter else "B") for power, letter in enumerate(("", "K", "M", "G", "T"))
)
_DECIMAL = ((1, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"))
_RATES = {"Bps": "/s", "reqps": " req/s", "cps": " /s"}


def shown(value: float, unit: str) -> str:
    """Return a value with its unit."""
    if math.isnan(value):
        return "NaN"
    match unit:
        case "percentunit":
            return f"{_digits(100 * value)}%"
        case "s":
            return _scaled(value, _TIMES, " ")
        case "bytes" | "Bps":
            return _scaled(value, _BINARY, " ") + _RATES.get(unit, "")
        case _:
            return _scaled(value, _DECIMAL, "") + _RATES.get(unit, "")


def _scaled(value: float, scale: Sequence[tuple[float, str]], gap: str) -> str:
    fitting = [step for step in scale if abs(value) >= step[0]]
    size, name = fitting[-1] if fitting else next(step for step in scale if step[0] == 1 or value)
    if not value:
        size, name = next(step for step in scale if step[0] == 1)
    return f"{_digits(value / size)}{gap}{name}" if name else _digits(value / size)


def _digits(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
