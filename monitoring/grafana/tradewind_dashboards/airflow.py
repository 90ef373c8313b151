"""Airflow: do runs succeed, how long do tasks take, and does anything wait for the scheduler, a slot or a pool?"""

from tradewind_dashboards.model import Choice, Dashboard, Panel, Query, Row, source
from tradewind_dashboards.promql import grown, quantile, quantiles

_RUNS = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id"}'
_SUCCEEDED = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id", state="success"}'
_FAILED = 'airflow_dagrun_duration_seconds_count{@, dag_id=~"$dag_id", state="failed"}'
_TRIES = 'airflow_ti_finish_total{@, dag_id=~"$dag_id"}'
_BROKEN = 'airflow_ti_finish_total{@, dag_id=~"$dag_id", state=~"failed|up_for_retry"}'
_BEATS = "60 * sum(rate(airflow_{part}_heartbeat_total{{@}}[$__rate_interval]))"


def _ratio(window: str) -> str:
    ended = f"sum({grown(_RUNS, window)})"
    return f"(sum({grown(_SUCCEEDED, window)}) or 0 * {ended}) / ({ended} > 0)"


RESULTS = Row(
    "Results",
    (
        Panel(
            "DAG execution success rate",
            "Of the DAG runs that ended in the chosen time, the share that succeeded. A run counts when the scheduler "
            "ends it; one whose state somebody set by hand does not.",
            "percentunit",
            (Query(_ratio("$__range"), "success rate"),),
            kind="stat",
            span=6,
            empty="No run ended",
            lowest=0,
            highest=1,
            decimals=1,
            steps=((None, "red"), (0.9, "orange"), (0.99, "green")),
        ),
        Panel(
            "Failed runs",
            "DAG runs that failed in the chosen time.",
            "short",
            (Query(f"sum({grown(_FAILED, '$__range')})", "failed"),),
            kind="stat",
            span=6,
            empty="None",
            decimals=0,
            steps=((None, "green"), (1, "red")),
        ),
        Panel(
            "Runs that ended",
            "DAG runs that ended in the chosen time, well or not.",
            "short",
            (Query(f"sum({grown(_RUNS, '$__range')})", "ended"),),
            kind="stat",
            span=6,
            empty="None",
            decimals=0,
        ),
        Panel(
            "Running DAG runs",
            "DAG runs in the state running now. Queued ones are not in it: Airflow emits no gauge of them.",
            "short",
            (Query("sum(airflow_scheduler_dagruns_running{@})", "running"),),
            kind="stat",
            span=6,
            decimals=0,
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
        Panel(
            "Failed task count",
            "Tries of tasks that failed, for good or to be retried, by DAG. A task killed from outside is not in it "
            "but in the panel of lost tasks.",
            "short",
            (Query(f"sum by (dag_id, state) ({grown(_BROKEN)})", "{{dag_id}} {{state}}"),),
            span=8,
            empty="No task failed",
            lowest=0,
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
        Panel(
            "Ended tries by state",
            "Tries of tasks that ended, by the state they ended in.",
            "short",
            (Query(f"sum by (state) ({grown(_TRIES)})", "{{state}}"),),
            empty="No task ended",
            stacked=True,
            lowest=0,
        ),
        Panel(
            "Runs that ended, by DAG",
            "DAG runs that ended, by DAG and state: which DAGs are busy, and which stopped.",
            "short",
            (Query(f"sum by (dag_id, state) ({grown(_RUNS)})", "{{dag_id}} {{state}}"),),
            empty="No run ended",
            stacked=True,
            lowest=0,
        ),
    ),
)

DURATIONS = Row(
    "How long",
    (
        Panel(
            "Task execution duration",
            "From a try's start to its end, over the chosen DAGs. Buckets reach from 50 ms to 4 h: a quantile is exact "
            "to its bucket.",
            "s",
            tuple(
                Query(expr, name)
                for expr, name in quantiles("airflow_task_duration_seconds_bucket", matchers='@, dag_id=~"$dag_id"')
            ),
            empty="No task ended",
            lowest=0,
        ),
        Panel(
            "Task execution duration by DAG (mean)",
            "The mean over each DAG's tries that ended.",
            "s",
            (
                Query(
                    'sum by (dag_id) (rate(airflow_task_duration_seconds_sum{@, dag_id=~"$dag_id"}[$__rate_interval])) '
                    '/ sum by (dag_id) (rate(airflow_task_duration_seconds_count{@, dag_id=~"$dag_id"}'
                    "[$__rate_interval]))",
                    "{{dag_id}}",
                ),
            ),
            empty="No task ended",
            lowest=0,
        ),
        Panel(
            "DAG run duration (p95)",
            "From a run's start to its end, by DAG and state.",
            "s",
            (
                Query(
                    quantile(0.95, 'airflow_dagrun_duration_seconds_bucket{@, dag_id=~"$dag_id"}', "dag_id, state"),
                    "{{dag_id}} {{state}}",
                ),
            ),
            empty="No run ended",
            lowest=0,
        ),
        Panel(
            "Waiting before work (p95)",
            "How long a task that may run waits to be queued by the scheduler; and, for scheduled DAGs, how late runs "
            "and their first tasks start. The wait in the executor's queue has no metric: Airflow 3 does not send it.",
            "s",
            (
                Query(quantile(0.95, "airflow_task_scheduled_duration_seconds_bucket{@}"), "scheduled to queued"),
                Query(quantile(0.95, "airflow_dagrun_schedule_delay_seconds_bucket{@}"), "run's start, if scheduled"),
                Query(
                    quantile(0.95, "airflow_dagrun_first_task_start_delay_seconds_bucket{@}"),
                    "first task's start, if scheduled",
                ),
            ),
            empty="Nothing waited",
            lowest=0,
        ),
    ),
)

CAPACITY = Row(
    "Slots, pools and states",
    (
        Panel(
            "Task instances by state",
            "Task instances that are not finished, by state: what waits for the scheduler, for a slot, or for "
            "an event.",
            "short",
            tuple(
                Query(f"sum(airflow_ti_{state}{{@}})", state)
                for state in ("scheduled", "queued", "running", "deferred")
            ),
            empty="No tasks yet",
            stacked=True,
            lowest=0,
        ),
        Panel(
            "Executor",
            "Slots of the executor that are open, and tasks that hold one or wait for one.",
            "short",
            (
                Query("sum by (executor_class_name) (airflow_executor_open_slots{@})", "open, {{executor_class_name}}"),
                Query("sum by (executor_class_name) (airflow_executor_running_tasks{@})", "running"),
                Query("sum by (executor_class_name) (airflow_executor_queued_tasks{@})", "queued"),
            ),
            lowest=0,
        ),
        Panel(
            "Pools",
            "Open slots of each pool. At 0 its tasks wait.",
            "short",
            (Query("min by (pool_name) (airflow_pool_open_slots{@})", "{{pool_name}}"),),
            lowest=0,
        ),
        Panel(
            "Tasks that no pool had room for",
            "Tasks that could not be queued as their pool was full. Airflow writes it only for pools it looked at.",
            "short",
            (Query("max by (pool_name) (airflow_pool_starving_tasks{@})", "{{pool_name}}"),),
            empty="None",
            lowest=0,
        ),
    ),
)

PROCESSES = Row(
    "Airflow's own processes",
    (
        Panel(
            "Heartbeats",
            "Heartbeats per minute of each kind of process. 0, or no line, is a process that hangs or is down.",
            "short",
            tuple(
                Query(_BEATS.format(part=part), part.replace("_", " "))
                for part in ("scheduler", "dag_processor", "triggerer")
            ),
            lowest=0,
        ),
        Panel(
            "Scheduler loop",
            "Time of one turn of the scheduler's loop. A slow one delays every run.",
            "s",
            tuple(Query(expr, name) for expr, name in quantiles("airflow_scheduler_loop_duration_seconds_bucket")),
            lowest=0,
        ),
        Panel(
            "Triggerer",
            "Triggers that run, and how many more the triggerer takes. The ingestion of events is one of them.",
            "short",
            (
                Query("sum(airflow_triggers_running{@})", "running"),
                Query("min by (hostname) (airflow_triggerer_capacity_left{@})", "room left on {{hostname}}"),
            ),
            lowest=0,
        ),
        Panel(
            "Triggers that ended or blocked",
            "Triggers that failed or succeeded, and how often one held up all others by blocking the event loop.",
            "short",
            (
                Query(f"sum({grown('airflow_triggers_failed_total{@}')})", "failed"),
                Query(f"sum({grown('airflow_triggers_succeeded_total{@}')})", "succeeded"),
                Query(f"sum({grown('airflow_triggers_blocked_main_thread_total{@}')})", "blocked"),
            ),
            empty="None",
            lowest=0,
        ),
        Panel(
            "DAG files",
            "Files that could not be imported, DAGs that are known, and the files that wait to be read.",
            "short",
            (
                Query("max(airflow_dag_processing_import_errors{@})", "import errors"),
                Query("max(airflow_dagbag_size{@})", "DAGs"),
                Query("max(airflow_dag_processing_file_path_queue_size{@})", "files waiting"),
            ),
            lowest=0,
        ),
        Panel(
            "Tasks lost",
            "Tasks that were killed from outside, or stopped sending heartbeats and were ended by the scheduler.",
            "short",
            (
                Query(
                    f"sum by (dag_id) ({grown('airflow_scheduler_tasks_killed_externally_total{@}')})",
                    "{{dag_id}} killed from outside",
                ),
                Query(
                    f"sum by (dag_id) ({grown('airflow_task_instances_without_heartbeats_killed_total{@}')})",
                    "{{dag_id}} without a heartbeat",
                ),
            ),
            empty="None was lost",
            lowest=0,
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
