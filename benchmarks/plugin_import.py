"""`import`: what the plugin costs a process that serves no HTTP, measured in fresh processes."""

import json
import statistics
import subprocess
import sys
from pathlib import Path

from figures import Benchmark, Limit

ENTRY = Path(__file__).parents[1] / "airflow" / "plugins" / "tradewind_plugin.py"
ROUNDS = 7

PROBE = f"""
import importlib.util, json, sys, time
from airflow.plugins_manager import AirflowPlugin  # every Airflow process has this anyway
began = time.perf_counter()
spec = importlib.util.spec_from_file_location("tradewind_plugin", {str(ENTRY)!r})
spec.loader.exec_module(importlib.util.module_from_spec(spec))
spent = time.perf_counter() - began
print(json.dumps([spent, [name for name in ("fastapi", "confluent_kafka") if name in sys.modules]]))
"""


def run() -> Benchmark:
    """Import the plugin's entry file in fresh processes with Airflow already there."""
    probes = [_probe() for _ in range(ROUNDS)][1:]  # the first one writes the bytecode
    spent = [seconds * 1000 for seconds, _ in probes]
    heavy = len({name for _, names in probes for name in names})
    figures = {"median_ms": statistics.median(spent), "max_ms": max(spent), "heavy_modules": float(heavy)}
    return Benchmark("import", figures, limits=(Limit("median_ms", 20), Limit("heavy_modules", 0)))


def _probe() -> tuple[float, list[str]]:
    answer = subprocess.run([sys.executable, "-c", PROBE], check=True, capture_output=True, text=True)  # noqa: S603  # our own probe
    seconds, names = json.loads(answer.stdout.splitlines()[-1])
    return seconds, names
