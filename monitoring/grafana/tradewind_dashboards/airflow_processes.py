"""Airflow's slots, pools and own processes: rows of its dashboard."""

from tradewind_dashboards.model import Query, Row
from tradewind_dashboards.panels import lines, quantile_lines
from tradewind_dashboards.promql import grown

_BEATS = "60 * sum(rate(airflow_{part}_heartbeat_total{{@}}[$__rate_interval]))"

CAPACITY = Row(
    "Slots, pools and states",
    (
        lines(
            "Task instances by state",
            "Task instances that are not finished, by state: what waits for the scheduler, for a slot, or for "
            "an event.",
            "short",
            *(
                Query(f"sum(airflow_ti_{state}{{@}})", state)
                for state in ("scheduled", "queued", "running", "deferred")
            ),
            empty="No tasks yet",
            stacked=True,
        ),
        lines(
            "Executor",
            "Slots of the executor that are open, and tasks that hold one or wait for one.",
            "short",
            Query("sum by (executor_class_name) (airflow_executor_open_slots{@})", "open, {{executor_class_name}}"),
            Query("sum by (executor_class_name) (airflow_executor_running_tasks{@})", "running"),
            Query("sum by (executor_class_name) (airflow_executor_queued_tasks{@})", "queued"),
        ),
        lines(
            "Pools",
            "Open slots of each pool. At 0 its tasks wait.",
            "short",
            Query("min by (pool_name) (airflow_pool_open_slots{@})", "{{pool_name}}"),
        ),
        lines(
            "Tasks that no pool had room for",
            "Tasks that could not be queued as their pool was full. Airflow writes it only for pools it looked at.",
            "short",
            Query("max by (pool_name) (airflow_pool_starving_tasks{@})", "{{pool_name}}"),
            empty="None",
        ),
    ),
)

PROCESSES = Row(
    "Airflow's own processes",
    (
        lines(
            "Heartbeats",
            "Heartbeats per minute of each kind of process. 0, or no line, is a process that hangs or is down.",
            "short",
            *(
                Query(_BEATS.format(part=part), part.replace("_", " "))
                for part in ("scheduler", "dag_processor", "triggerer")
            ),
        ),
        quantile_lines(
            "Scheduler loop",
            "Time of one turn of the scheduler's loop. A slow one delays every run.",
            "airflow_scheduler_loop_duration_seconds_bucket",
        ),
        lines(
            "Triggerer",
            "Triggers that run, and how many more the triggerer takes. The ingestion of events is one of them.",
            "short",
            Query("sum(airflow_triggers_running{@})", "running"),
            Query("min by (hostname) (airflow_triggerer_capacity_left{@})", "room left on {{hostname}}"),
        ),
        lines(
            "Triggers that ended or blocked",
            "Triggers that failed or succeeded, and how often one held up all others by blocking the event loop.",
            "short",
            Query(f"sum({grown('airflow_triggers_failed_total{@}')})", "failed"),
            Query(f"sum({grown('airflow_triggers_succeeded_total{@}')})", "succeeded"),
            Query(f"sum({grown('airflow_triggers_blocked_main_thread_total{@}')})", "blocked"),
            empty="None",
        ),
        lines(
            "DAG files",
            "Files that could not be imported, DAGs that are known, and the files that wait to be read.",
            "short",
            Query("max(airflow_dag_processing_import_errors{@})", "import errors"),
            Query("max(airflow_dagbag_size{@})", "DAGs"),
            Query("max(airflow_dag_processing_file_path_queue_size{@})", "files waiting"),
        ),
        lines(
            "Tasks lost",
            "Tasks that were killed from outside, or stopped sending heartbeats and were ended by the scheduler.",
            "short",
            Query(
                f"sum by (dag_id) ({grown('airflow_scheduler_tasks_killed_externally_total{@}')})",
                "{{dag_id}} killed from outside",
            ),
            Query(
                f"sum by (dag_id) ({grown('airflow_task_instances_without_heartbeats_killed_total{@}')})",
                "{{dag_id}} without a heartbeat",
            ),
            empty="None was lost",
        ),
    ),
)
