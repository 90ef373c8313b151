"""What the plugin costs a process that serves no HTTP, by Airflow's own loader, in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PLUGINS = Path(__file__).resolve().parents[3] / "airflow" / "plugins"

PROBE = """
import json, sys, time
from airflow import plugins_manager, settings
from airflow.plugins_manager import AirflowPlugin
from airflow._shared.plugins_manager.plugins_manager import _load_plugins_from_plugin_directory
import airflow._shared.module_loading

def load():
    for name in [name for name in sys.modules if name.startswith("tradewind")]:
        del sys.modules[name]
    start = time.perf_counter()
    loaded = _load_plugins_from_plugin_directory(settings.PLUGINS_FOLDER)
    return time.perf_counter() - start, *loaded

before = set(sys.modules)
# The first makes the byte code; of the others the best counts: a busy machine makes single ones slow, never fast.
cost, plugins, errors = min((load() for _ in range(5)), key=lambda loaded: loaded[0])
print(json.dumps({
    "milliseconds": cost * 1000,
    "plugins": [plugin.name for plugin in plugins],
    "errors": errors,
    "heavy": [name for name in ("fastapi", "confluent_kafka", "sqlalchemy.orm") if name in set(sys.modules) - before],
    "modules": sorted(name for name in sys.modules if name.startswith("tradewind")),
}))
"""

WHOLE = """
import json
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
ours = [plugin for plugin in plugins if plugin.name == "tradewind"]
apps, _ = plugins_manager.get_fastapi_plugins()
mounted = [(app["url_prefix"], type(app["app"]).__name__) for app in apps if app["name"] == "Tradewind"]
print(json.dumps({"ours": len(ours), "errors": errors, "mounted": mounted}))
"""


def run(script: str, home: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PLUGINS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(PROBE, tmp_path_factory.mktemp("airflow"))


def test_the_folder_holds_one_plugin_and_no_error(loaded: dict[str, Any]) -> None:
    assert loaded["plugins"] == ["tradewind"]
    assert loaded["errors"] == {}


def test_loading_it_imports_neither_fastapi_nor_kafka(loaded: dict[str, Any]) -> None:
    assert loaded["heavy"] == []
    assert loaded["modules"] == ["tradewind_airflow", "tradewind_airflow.plugin", "tradewind_plugin"]


def test_loading_it_takes_at_most_20_ms(loaded: dict[str, Any]) -> None:
    assert loaded["milliseconds"] <= 20


def test_airflow_finds_the_app_when_it_asks_for_it(tmp_path: Path) -> None:
    loaded = run(WHOLE, tmp_path)
    assert loaded["errors"] == {}
    assert loaded["ours"] == 1
    assert loaded["mounted"] == [["/tradewind", "FastAPI"]]
