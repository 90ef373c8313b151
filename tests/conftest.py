"""For every test: hypothesis judges results, never the clock of a busy machine; Airflow finds a home of its own."""

import os
import tempfile

from hypothesis import HealthCheck, settings

settings.register_profile("tradewind", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tradewind")

# Airflow reads these as it is imported, wherever that happens first. Never the developer's own Airflow.
AIRFLOW_HOME = tempfile.TemporaryDirectory(prefix="tradewind-airflow-")
os.environ |= {
    "AIRFLOW_HOME": AIRFLOW_HOME.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
}
