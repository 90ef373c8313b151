"""What Airflow's registry of metrics does not say: units, buckets, life times, and what is of no use."""

DROPPED = {
    "ti_successes": "`ti.finish` says it, with its state",
    "dag_processing.processes": "a counter that Airflow decrements, and not at each exit (apache/airflow#36188)",
    "{job_name}_start": "sent before the scheduler's and the DAG processor's client is set up: most are lost",
    "{job_name}_end": "as its start",
    "{job_name}_heartbeat_failure": "its name is made of a class name; a heartbeat that fails shows in the heartbeats",
    "dag_processing.last_num_of_db_queries.{dag_file}": "in the registry, sent by nothing",
    "local_task_job.task_exit": "in the registry, sent by nothing",
    "dag_file_processor_timeouts": "in the registry, sent by nothing; `dag_processing.processor_timeouts` is",
    "dag_processing.manager_stalls": "in the registry, sent by nothing",
    "dag_file_refresh_error": "in the registry, sent by nothing",
    "collect_db_dags": "in the registry, sent by nothing",
    "task.queued_duration": "its only call is in a method that nothing calls since tasks start by the execution API",
}
"""Metrics that are not passed on, and why."""

BLOCKED = (
    r"^ti_successes",
    r"^dag_processing\.processes",
    r"^(schedulerjobrunner|triggererjobrunner|dagprocessorjobrunner|localtaskjobrunner|job)_(start|end|heartbeat_failure)",
    # A second time, with the DAG's id in its name: a name for each DAG.
    r"^dagrun\..+\.first_task_scheduling_delay",
)
"""`[metrics] metrics_block_list`: what is dropped above is not even sent. Names come with their tags and in lower case,
and a comma ends a pattern."""

NAMES = {
    "scheduler.scheduler_loop_duration": "airflow_scheduler_loop_duration_seconds",
    "dagrun.duration.success": "airflow_dagrun_duration_seconds",
    "dagrun.duration.failed": "airflow_dagrun_duration_seconds",
    "dag_processing.total_parse_time": "airflow_dag_processing_total_parse_time_seconds",
    "airflow.io.load_filesystems": "airflow_io_load_filesystems_seconds",
}
"""Names in Prometheus that do not follow from Airflow's."""

LABELS = {
    "dagrun.duration.success": {"state": "success"},
    "dagrun.duration.failed": {"state": "failed"},
    # An empty label is none: these are added up over tasks, or over DAGs. A histogram by task is 55,000 series at 5000.
    "dagrun.dependency-check": {"dag_id": ""},
    "dagrun.first_task_scheduling_delay": {"dag_id": ""},
    "dagrun.first_task_start_delay": {"dag_id": ""},
    "task.scheduled_duration": {"task_id": ""},
    "operator_failures": {"dag_id": "", "task_id": ""},
    "operator_successes": {"dag_id": "", "task_id": ""},
}
"""Labels that win over the tags of the line."""

SCALES = {"dag_processing.last_duration": 1000}
"""Factors to the unit: this timer gives seconds where milliseconds are meant (apache/airflow#72553)."""

BY_EXECUTOR = ("executor.open_slots", "executor.queued_tasks", "executor.running_tasks")
"""With more than one executor Airflow adds the class to these names; the tags have it anyway."""

TTLS = {
    "ti.": "2m",
    "pool.": "2m",
    "executor.": "2m",
    "scheduler.tasks.": "2m",
    "scheduler.dagruns.": "2m",
    "triggers.running": "2m",
    "triggerer.capacity_left": "2m",
    "dag_processing.last_run.seconds_ago": "5m",
}
"""Gauges that are sent again at least every 30 s (files: every parse), by the beginning of their names: one that is not
is of something that is gone. Counters and histograms have none: to expire would be a reset."""

LOOP = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
TASK = [1, 5, 15, 60, 300, 900, 3600, 14400]
RUN = [1, 5, 15, 60, 300, 900, 1800, 3600, 14400, 43200]
WAIT = [0.25, 1, 5, 15, 60, 300, 900, 3600]
PARSE = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60]
OURS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

BUCKETS = {
    "task.duration": TASK,
    "task.": WAIT,
    "dagrun.duration.": RUN,
    "dagrun.": WAIT,
    "dag_processing.last_duration": PARSE,
    "tradewind.": OURS,
    "": LOOP,
}
"""Upper bounds of histograms, seconds, by the beginning of the timers' names; the first that fits."""
