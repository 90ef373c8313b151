"""The fast path: many runs in one statement (docs/adr/0005).

Only this package relies on private parts of Airflow. It is imported by `load_writer`, and only on an Airflow that it
was tested with.
"""

import logging
from functools import cache

import airflow

from tradewind_airflow.runs.create.run_requests import BulkWriter

logger = logging.getLogger(__name__)

TESTED_VERSION = "3.3.2"
"""The Airflow whose `create_dagrun` the bulk rows were compared with, column by column."""


@cache
def load_writer(version: str = airflow.__version__) -> BulkWriter | None:
    """Return the process's bulk writer; None, which is logged once, if this Airflow is not one it was tested with."""
    try:
        return _writer(version)
    except ImportError as error:
        logger.warning("runs are created one by one by Airflow's create_dagrun, which is slow: %s", error)
        return None


def _writer(version: str) -> BulkWriter:
    if version != TESTED_VERSION:
        raise ImportError(f"bulk creation was tested with Airflow {TESTED_VERSION}, and this is {version}")
    from tradewind_airflow.runs.create.bulk.writer import PostgresWriter  # noqa: PLC0415  # see the package

    return PostgresWriter()
