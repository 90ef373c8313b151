"""The ingestion: what becomes of the events that ask Airflow for runs, from the topic to the run's start and end."""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row
from tradewind_dashboards.panels import figure, lines
from tradewind_dashboards.plugin import LIFECYCLE, PLUGIN
from tradewind_dashboards.promql import grown, quantile

_RECORDS = 'airflow_tradewind_ingestion_records_total{job="airflow"}'
_TRIGGERS = 'airflow_tradewind_triggers_total{job="airflow"}'
_GROUP = 'consumergroup="tradewind-airflow"'

RECORDS = Row(
    "Events into Airflow",
    (
        lines(
            "Events processed",
            "Records of the event topic by what became of them: a run was created, it existed (a repeat), was skipped, "
            "or was dead-lettered.",
            "short",
            Query(f"sum by (outcome) ({grown(_RECORDS)})", "{{outcome}}"),
            empty="No events",
            stacked=True,
        ),
        Panel(
            "Outcomes in the chosen time",
            "The same, summed over the chosen time.",
            "short",
            (Query(f"sum by (outcome) ({grown(_RECORDS, '$__range')})", "{{outcome}}"),),
            kind="piechart",
            span=6,
            empty="No events",
            decimals=0,
        ),
        figure(
            "Not processed yet",
            "Records that the ingestion's group has not committed: it commits what is processed.",
            f'sum(kafka_consumergroup_lag_sum{{job="kafka", {_GROUP}}})',
            "records",
            empty="The group has not committed yet",
            steps=((None, "green"), (100, "orange"), (1000, "red")),
        ),
        lines(
            "Runs asked of the plugin",
            "Items of triggers and batches by what the plugin answered: `held` waits for its DAG to be unpaused, "
            "`unavailable` is tried again.",
            "short",
            Query(f"sum by (outcome) ({grown(_TRIGGERS)})", "{{outcome}}"),
            span=8,
            empty="No triggers",
            stacked=True,
        ),
        lines(
            "Offset commits",
            "Commits per second of the ingestion's group, by whether Kafka took them.",
            "cps",
            Query(
                'sum by (outcome) (rate(airflow_tradewind_ingestion_commits_total{job="airflow"}[$__rate_interval]))',
                "{{outcome}}",
            ),
            span=8,
        ),
        lines(
            "Written and processed",
            "Records per second that come onto the event topic and that the ingestion settles: where the lines part, "
            "it falls behind.",
            "cps",
            Query(
                'sum(rate(kafka_topic_partition_current_offset{job="kafka", topic="workflow-events"}'
                "[$__rate_interval]))",
                "written",
            ),
            Query(
                f'sum(rate(kafka_consumergroup_current_offset{{job="kafka", {_GROUP}}}[$__rate_interval]))',
                "processed",
            ),
            span=8,
        ),
    ),
)

STAGES = Row(
    "Event to run's start to end, stage by stage (p95)",
    (
        lines(
            "Stages of an Airflow run",
            "Accepted by the broker; from the event to its DAG run; the wait of a task until the scheduler queues it; "
            "the run itself.",
            "s",
            Query(quantile(0.95, 'tradewind_accept_seconds_bucket{job="fastapi"}'), "accept"),
            Query(quantile(0.95, 'airflow_tradewind_ingestion_lag_seconds_bucket{job="airflow"}'), "event to DAG run"),
            Query(
                quantile(0.95, 'airflow_task_scheduled_duration_seconds_bucket{job="airflow"}'),
                "task scheduled to queued",
            ),
            Query(quantile(0.95, 'airflow_dagrun_duration_seconds_bucket{job="airflow"}'), "run"),
            empty="No run ended",
        ),
        lines(
            "Stages of an agent run",
            "Accepted by the broker; read from the topic; started; the run itself.",
            "s",
            Query(quantile(0.95, 'tradewind_accept_seconds_bucket{job="fastapi"}'), "accept"),
            Query(quantile(0.95, 'tradewind_agents_read_delay_seconds_bucket{job="langgraph"}'), "event to read"),
            Query(quantile(0.95, 'tradewind_agents_start_delay_seconds_bucket{job="langgraph"}'), "event to start"),
            Query(quantile(0.95, 'tradewind_agents_run_duration_seconds_bucket{job="langgraph"}'), "run"),
            empty="No run ended",
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-ingestion",
    "Tradewind / Ingestion",
    "What becomes of the events that ask for runs, how many wait, and how long does each stage take from the event to "
    "the run's end?",
    (RECORDS, STAGES, PLUGIN, LIFECYCLE),
)
