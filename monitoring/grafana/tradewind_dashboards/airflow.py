"""Airflow: do runs succeed, how long do tasks take, and does anything wait for the scheduler, a slot or a pool?"""

from tradewind_dashboards.airflow_processes import CAPACITY, PROCESSES
from tradewind_dashboards.model import Choice, Dashboard, Panel, Query, Row, source
from tradewind_dashboards.panels import RED_FROM_ONE, figure, lines, quantile_lines, success_rate
from tradewind_dashboards.promql import grown, quantile

_RUNS = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id"}'
_SUCCEEDED = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id", state="success"}'
_FAILED = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id", state="failed"}'
_TRIES = 'airflow_ti_finish_total{@, dag_id=~"$dag_id"}'
_BROKEN = 'airflow_ti_finish_total{@, dag_id=~"$dag_id", state=~"failed|up_for_retry"}'


def _ratio(window: str) -> str:
    ended = f"sum({grown(_RUNS, window)})"
    return f"(sum({grown(_SUCCEEDED, window)}) or 0 * {ended}) / ({ended} > 0)"


RESULTS = Row(
    "Results",
    (
        success_rate(
            "DAG execution success rate",
            "Of the DAG runs that ended in the chosen time, the share that succeeded. A run counts when the scheduler "
            "ends it; one whose state somebody set by hand does not.",
            _ratio("$__range"),
        ),
        figure(
            "Failed runs",
            "DAG runs that failed in the chosen time.",
            f"sum({grown(_FAILED, '$__range')})",
            "failed",
            empty="None",
            steps=RED_FROM_ONE,
        ),
        figure(
            "Runs that ended",
            "DAG runs that ended in the chosen time, well or not.",
            f"sum({grown(_RUNS, '$__range')})",
            "ended",
            empty="None",
        ),
        figure(
            "Running DAG runs",
            "DAG runs in the state running now. Queued ones are not in it: Airflow emits no gauge of them.",
            "sum(airflow_scheduler_dagruns_running{@})",
            "running",
        ),
        Panel(
            "DAG run status distribution",
            "The runs that ended in the chosen time by how they ended, and those running now.",
            "short",
            (
                Query(f"sum by (state) ({grown(_RUNS, '$__range')})", "{{state}}"),
                Query("sum(airflow_scheduler_dagruns_running{@})", "running"),
            ),
            kind="piechart",
            span=8,
            empty="No runs",
            decimals=0,
        ),
        lines(
            "Failed task count",
            "Tries of tasks that failed, for good or to be retried, by DAG. A task killed from outside is not in it "
            "but in the panel of lost tasks.",
            "short",
            Query(f"sum by (dag_id, state) ({grown(_BROKEN)})", "{{dag_id}} {{state}}"),
            span=8,
            empty="No task failed",
            decimals=0,
        ),
        Panel(
            "Failures by task",
            "Where to look first: the failed tries of the chosen time, by DAG and task.",
            "short",
            (Query(f"topk(20, sum by (dag_id, task_id, state) ({grown(_BROKEN, '$__range')}) > 0)"),),
            kind="table",
            span=8,
            empty="No task failed",
            decimals=0,
        ),
        lines(
            "Ended tries by state",
            "Tries of tasks that ended, by the state they ended in.",
            "short",
            Query(f"sum by (state) ({grown(_TRIES)})", "{{state}}"),
            empty="No task ended",
            stacked=True,
        ),
        lines(
            "Runs that ended, by DAG",
            "DAG runs that ended, by DAG and state: which DAGs are busy, and which stopped.",
            "short",
            Query(f"sum by (dag_id, state) ({grown(_RUNS)})", "{{dag_id}} {{state}}"),
            empty="No run ended",
            stacked=True,
        ),
    ),
)

DURATIONS = Row(
    "How long",
    (
        quantile_lines(
            "Task execution duration",
            "From a try's start to its end, over the chosen DAGs. Buckets reach from 50 ms to 4 h: a quantile is exact "
            "to its bucket.",
            "airflow_task_duration_seconds_bucket",
            '@, dag_id=~"$dag_id"',
            empty="No task ended",
        ),
        lines(
            "Task execution duration by DAG (mean)",
            "The mean over each DAG's tries that ended.",
            "s",
            Query(
                'sum by (dag_id) (rate(airflow_task_duration_seconds_sum{@, dag_id=~"$dag_id"}[$__rate_interval])) '
                '/ sum by (dag_id) (rate(airflow_task_duration_seconds_count{@, dag_id=~"$dag_id"}'
                "[$__rate_interval]))",
                "{{dag_id}}",
            ),
            empty="No task ended",
        ),
        lines(
            "DAG run duration (p95)",
            "From a run's start to its end, by DAG and state.",
            "s",
            Query(
                quantile(0.95, 'airflow_dagrun_duration_seconds_bucket{@, dag_id=~"$dag_id"}', "dag_id, state"),
                "{{dag_id}} {{state}}",
            ),
            empty="No run ended",
        ),
        lines(
            "Waiting before work (p95)",
            "How long a task that may run waits to be queued by the scheduler; and, for scheduled DAGs, how late runs "
            "and their first tasks start. The wait in the executor's queue has no metric: Airflow 3 does not send it.",
            "s",
            Query(quantile(0.95, "airflow_task_scheduled_duration_seconds_bucket{@}"), "scheduled to queued"),
            Query(quantile(0.95, "airflow_dagrun_schedule_delay_seconds_bucket{@}"), "run's start, if scheduled"),
            Query(
                quantile(0.95, "airflow_dagrun_first_task_start_delay_seconds_bucket{@}"),
                "first task's start, if scheduled",
            ),
            empty="Nothing waited",
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-airflow",
    "Tradewind / Airflow",
    "Do runs succeed, how long do tasks take, what waits for the scheduler, a slot or a pool, and are Airflow's own "
    "processes well?",
    (RESULTS, DURATIONS, CAPACITY, PROCESSES),
    (
        *source("airflow_scheduler_heartbeat_total", "airflow"),
        Choice("dag_id", "DAG", 'airflow_ti_finish_total{job=~"$job"}'),
    ),
)
