"""Whether a part of Airflow is healthy: `python -m tradewind_airflow.bootstrap.health TriggererJob` or `… http://…`.

`airflow jobs check` answers the same, with seconds of CPU: it loads all of Airflow, every time.
"""

import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

from tradewind_airflow.bootstrap import database

THRESHOLDS = {
    "SchedulerJob": "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD",
    "DagProcessorJob": "AIRFLOW__DAG_PROCESSOR__HEALTH_CHECK_THRESHOLD",
    "TriggererJob": "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD",
}
"""Airflow's own name of a job -> the setting after which it counts as dead; all three are 30 s by default."""

LATEST = """
SELECT extract(epoch FROM clock_timestamp() - latest_heartbeat) FROM job
WHERE job_type = %s AND hostname = %s AND state = 'running' ORDER BY latest_heartbeat DESC LIMIT 1
"""


def verdict(job: str, age: float | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """What is wrong with a job whose latest heartbeat is `age` seconds old (None: it has none), or None."""
    threshold = float(environment.get(THRESHOLDS[job], "30"))
    if age is None:
        return f"no {job} runs on this host"
    return f"the {job}'s latest heartbeat is {age:.0f} s old (limit {threshold:.0f} s)" if age > threshold else None


def heartbeat_age(job: str, host: str) -> float | None:
    """Seconds since the job's latest heartbeat on this host, by the database's clock; None: it has none."""
    with database.cursor("tradewind-health") as rows:
        rows.execute(LATEST, (job, host))
        row = rows.fetchone()
    return float(row[0]) if row else None


def answers(url: str) -> str | None:
    """What is wrong with the page at `url`, or None: it answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=database.TIMEOUT):  # noqa: S310  # the image's own health check gives it
            return None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return f"{url}: {error}"


def main(arguments: list[str]) -> int:
    """Check what the one argument names; return 0 or 1, and say why."""
    (wanted,) = arguments
    if wanted.startswith("http://"):
        wrong = answers(wanted)
    else:
        # [core] hostname_callable has to be socket.gethostname: the default asks the name service.
        wrong = verdict(wanted, heartbeat_age(wanted, socket.gethostname()))
    if wrong:
        sys.stderr.write(f"{wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
