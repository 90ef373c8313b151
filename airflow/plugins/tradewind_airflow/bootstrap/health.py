"""Health check of an Airflow component: `python -m tradewind_airflow.bootstrap.health TriggererJob` or `… http://…`.

`airflow jobs check` does the same, but takes seconds of CPU: it imports all of Airflow each time.
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
"""Airflow's name of a job -> the setting after which it counts as dead; all three are 30 s by default."""

LATEST = """
SELECT extract(epoch FROM clock_timestamp() - latest_heartbeat) FROM job
WHERE job_type = %s AND hostname = %s AND state = 'running' ORDER BY latest_heartbeat DESC LIMIT 1
"""


def job_problem(job: str, age: float | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The problem of a job whose latest heartbeat is `age` seconds old (None: it has none), or None if healthy."""
    threshold = float(environment.get(THRESHOLDS[job], "30"))
    if age is None:
        return f"no {job} runs on this host"
    return f"the {job}'s latest heartbeat is {age:.0f} s old (limit {threshold:.0f} s)" if age > threshold else None


def heartbeat_age(job: str, host: str) -> float | None:
    """Seconds since the job's latest heartbeat on this host, by the database's clock; None if there is none."""
    with database.cursor("tradewind-health") as rows:
        rows.execute(LATEST, (job, host))
        row = rows.fetchone()
    return float(row[0]) if row else None


def page_problem(url: str) -> str | None:
    """The problem of the page at `url`, or None if it responds with success."""
    try:
        with urllib.request.urlopen(url, timeout=database.TIMEOUT):  # noqa: S310  # the image's own health check gives it
            return None
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return f"{url}: {error}"


def main(arguments: list[str]) -> int:
    """Check the job or page of the one argument; return 0, or 1 and print the problem."""
    (target,) = arguments
    if target.startswith("http://"):
        found = page_problem(target)
    else:
        # [core] hostname_callable has to be socket.gethostname: the default queries the name service.
        found = job_problem(target, heartbeat_age(target, socket.gethostname()))
    if found:
        sys.stderr.write(f"{found}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
