"""The overview: is it well, what is waiting, what failed?"""

from tradewind_dashboards.model import Dashboard, Panel, Query, Row
from tradewind_dashboards.panels import ORANGE_FROM_ONE, RED_FROM_ONE, figure, lines, states
from tradewind_dashboards.promql import climbed, grown, quantile

_RUNS = 'airflow_dagrun_duration_seconds_count{job="airflow"}'
_FAILED = 'airflow_dagrun_duration_seconds_count{job="airflow", state="failed"}'
_DEAD = 'kafka_topic_partition_current_offset{job="kafka", topic=~".+[.-]dlq"}'
_AGENT_RUNS = 'tradewind_agents_runs_total{job="langgraph"}'
_AGENT_FAILED = 'tradewind_agents_runs_total{job="langgraph", status="failed"}'
_API_ERRORS = 'http_request_duration_seconds_count{job="fastapi", status=~"5.."}'
_BEATS = 'max(clamp_max(round(increase(airflow_{part}_heartbeat_total{{job="airflow"}}[2m])), 1))'

WELL = Row(
    "Is it well?",
    (
        figure(
            "Alerts firing",
            "Alerts that fire now; the watchdog, which always fires, is left out.",
            'count(ALERTS{alertstate="firing", alertname!="Watchdog"}) or vector(0)',
            "alerts",
            span=4,
            steps=RED_FROM_ONE,
        ),
        states(
            "Sources",
            "Whether Prometheus could scrape each source the last time.",
            {0: ("down", "red"), 1: ("up", "green")},
            Query("min by (job) (up)", "{{job}}"),
            span=12,
            empty="Prometheus scrapes nothing",
        ),
        states(
            "Airflow's processes",
            "Whether each kind of process sent a heartbeat in the last two minutes.",
            {0: ("silent", "red"), 1: ("alive", "green")},
            *(
                Query(_BEATS.format(part=part), part.replace("_", " "))
                for part in ("scheduler", "dag_processor", "triggerer")
            ),
            span=8,
            empty="No heartbeat yet",
        ),
        Panel(
            "Firing alerts",
            "Which alerts fire, for what, and how many of each. The runbook says what to do.",
            "short",
            (
                Query(
                    "sum by (alertname, severity, dag_id, consumergroup, pool_name) "
                    '(ALERTS{alertstate="firing", alertname!="Watchdog"})'
                ),
            ),
            kind="table",
            empty="No alert fires",
        ),
        states(
            "Engines and Kafka, as the facade sees them",
            "Whether the facade reaches what it needs.",
            {0: ("down", "red"), 1: ("up", "green")},
            Query('min by (engine) (tradewind_engine_up{job="fastapi"})', "{{engine}}"),
            Query('min(tradewind_kafka_connected{job="fastapi"})', "kafka"),
            empty="The facade is not scraped",
        ),
    ),
)

WAITING = Row(
    "What is waiting?",
    (
        lines(
            "Events not processed",
            "Records of the topics that a consumer group has not committed yet.",
            "short",
            Query(
                'max by (consumergroup, topic) (kafka_consumergroup_lag_sum{job="kafka"})',
                "{{consumergroup}} on {{topic}}",
            ),
            empty="No group has committed yet",
        ),
        lines(
            "Runs and tasks under way",
            "DAG runs that run, tasks that wait for a slot or run, and agent runs in flight.",
            "short",
            Query('sum(airflow_scheduler_dagruns_running{job="airflow"})', "DAG runs running"),
            Query('sum(airflow_executor_queued_tasks{job="airflow"})', "tasks waiting for a slot"),
            Query('sum(airflow_executor_running_tasks{job="airflow"})', "tasks running"),
            Query('sum(tradewind_agents_runs_in_flight{job="langgraph"})', "agent runs in flight"),
        ),
    ),
)

FAILED = Row(
    "What failed?",
    (
        figure(
            "Failed DAG runs",
            "DAG runs that failed in the chosen time.",
            f"sum({grown(_FAILED, '$__range')})",
            "failed",
            empty="None",
            steps=RED_FROM_ONE,
        ),
        figure(
            "Failed agent runs",
            "Agent runs that failed in the chosen time.",
            f"sum({grown(_AGENT_FAILED, '$__range')})",
            "failed",
            empty="None",
            steps=RED_FROM_ONE,
        ),
        figure(
            "Dead letters",
            "Records given up in the chosen time.",
            f"sum({climbed(_DEAD, '$__range')})",
            "dead letters",
            empty="None",
            steps=ORANGE_FROM_ONE,
        ),
        figure(
            "API errors",
            "Answers of the facade with a 5xx in the chosen time.",
            f"sum({grown(_API_ERRORS, '$__range')})",
            "5xx",
            empty="None",
            steps=RED_FROM_ONE,
        ),
        lines(
            "Runs that ended",
            "Runs of both engines that ended, by state.",
            "short",
            Query(f"sum by (state) ({grown(_RUNS)})", "Airflow: {{state}}"),
            Query(
                f"sum by (status) ({grown(_AGENT_RUNS)})",
                "agents: {{status}}",
            ),
            empty="No run ended",
            stacked=True,
        ),
        lines(
            "How fast (p95)",
            "The time until a trigger is accepted, until an agent run starts, until a task that may run is queued, and "
            "of the API's answers.",
            "s",
            Query(quantile(0.95, 'tradewind_accept_seconds_bucket{job="fastapi"}'), "trigger accepted"),
            Query(
                quantile(0.95, 'tradewind_agents_start_delay_seconds_bucket{job="langgraph"}'),
                "event to agent run",
            ),
            Query(quantile(0.95, 'airflow_task_scheduled_duration_seconds_bucket{job="airflow"}'), "task queued"),
            Query(quantile(0.95, 'http_request_duration_seconds_bucket{job="fastapi"}'), "API's answers"),
            empty="Nothing happened",
        ),
    ),
)

DASHBOARD = Dashboard(
    "tradewind-overview",
    "Tradewind / Overview",
    "Is it well? What is waiting? What failed?",
    (WELL, WAITING, FAILED),
)
