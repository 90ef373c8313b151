"""For every test: hypothesis judges results, never the clock of a busy machine; Airflow finds a home of its own.

The order of the files is free: `--order-seed N` shuffles them (`make test ORDER=N`).
"""

import os
import random
import tempfile

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("tradewind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewind")

# Airflow reads these as it is imported, wherever that happens first. Never the developer's own Airflow.
AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="tradewind-airflow-")
os.environ |= {
    "AIRFLOW_HOME": AIRFLOW_HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
}

LONGEST_FIRST = (
    "test_local_stack",
    "test_plugin_twins",
    "test_plugin_indexes",
    "test_plugin_explain",
    "test_airflow_bootstrap",
    "test_local_monitoring",
    "test_plugin_steering",
    "test_plugin_batch_kills",
    "test_plugin_deployment",
    "test_ingestion_faults",
    "test_lifecycle_faults",
)
"""Files that take a minute or more, on servers of their own. They begin first, so that no worker ends with one."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--order-seed", type=int, help="shuffle the test files by this number")


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.getoption("order_seed")
    return "files in order of their names" if seed is None else f"files shuffled by --order-seed {seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seed = config.getoption("order_seed")
    files = sorted({item.path for item in items})
    if seed is not None:
        random.Random(seed).shuffle(files)
    files.sort(key=lambda file: LONGEST_FIRST.index(file.stem) if file.stem in LONGEST_FIRST else len(LONGEST_FIRST))
    place = {file: number for number, file in enumerate(files)}
    items.sort(key=lambda item: place[item.path])
