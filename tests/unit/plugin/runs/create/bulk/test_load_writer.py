"""Private parts of Airflow are in the bulk package alone, which is loaded only on the Airflow it was tested with."""

import logging
import re

import pytest

from support.airflow_home import ROOT
from tradewind_airflow.runs.create import bulk
from tradewind_airflow.runs.create.bulk import TESTED_VERSION

PRIVATE = re.compile(r"^\s*(from|import) airflow[\w.]*\._|^\s*from airflow[\w.]* import .*\b_\w", re.MULTILINE)
PLUGIN = ROOT / "airflow" / "plugins" / "tradewind_airflow"


@pytest.fixture(autouse=True)
def fresh() -> None:
    bulk.load_writer.cache_clear()


def test_another_airflow_has_no_bulk_writer_and_that_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, bulk.__name__):
        assert [bulk.load_writer("3.9.1"), bulk.load_writer("3.9.1")] == [None, None]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"tested with Airflow {TESTED_VERSION}, and this is 3.9.1" in caplog.text


def test_the_tested_airflow_has_one(caplog: pytest.LogCaptureFixture) -> None:
    assert bulk.load_writer(TESTED_VERSION) is bulk.load_writer(TESTED_VERSION) is not None
    assert caplog.records == []


def test_private_parts_of_airflow_are_used_in_the_bulk_package_alone() -> None:
    users = {path.parent for path in PLUGIN.rglob("*.py") if PRIVATE.search(path.read_text())}
    assert users == {PLUGIN / "runs" / "create" / "bulk"}
