"""The plugin inside Airflow: its REST, its batches, and what it tells of the runs; rows of the ingestion dashboard."""

from tradewind_dashboards.model import Query, Row
from tradewind_dashboards.panels import lines, quantile_lines
from tradewind_dashboards.promql import grown, quantile

_AIRFLOW = 'job="airflow"'
_REQUESTS = f"airflow_tradewind_request_duration_seconds_count{{{_AIRFLOW}}}"
_EVENTS = f"airflow_tradewind_lifecycle_events_total{{{_AIRFLOW}}}"
_COMMANDS = f"airflow_tradewind_commands_total{{{_AIRFLOW}}}"

PLUGIN = Row(
    "The plugin's REST",
    (
        lines(
            "Requests of the plugin",
            "Requests per second to the plugin's routes, by what was asked and how it was answered.",
            "reqps",
            Query(
                f"sum by (operation, status) (rate({_REQUESTS}[$__rate_interval]))",
                "{{operation}} {{status}}",
            ),
            span=8,
            empty="No requests",
        ),
        lines(
            "Response time of the plugin (p95)",
            "Time until an answer begins, by what was asked: a stream counts as it opens, a long poll in full.",
            "s",
            Query(
                quantile(0.95, f"airflow_tradewind_request_duration_seconds_bucket{{{_AIRFLOW}}}", "operation"),
                "{{operation}}",
            ),
            span=8,
            empty="No requests",
        ),
        quantile_lines(
            "Batches of runs",
            "Time to create the runs of one request, with all that is committed for them.",
            "airflow_tradewind_batch_duration_seconds_bucket",
            _AIRFLOW,
            span=8,
            empty="No batches",
        ),
    ),
)

LIFECYCLE = Row(
    "What happened to the runs",
    (
        lines(
            "Status events published",
            "Events put onto the status topic by the DAG `workflow_lifecycle`, by the status they tell.",
            "short",
            Query(f"sum by (status) ({grown(_EVENTS)})", "{{status}}"),
            span=8,
            empty="No events",
            stacked=True,
        ),
        quantile_lines(
            "Behind the runs",
            "From the moment that a status event tells of to its being published.",
            "airflow_tradewind_lifecycle_lag_seconds_bucket",
            _AIRFLOW,
            span=8,
            empty="No events",
        ),
        lines(
            "Commands",
            "Cancels, retries and changes of priority that the plugin was asked for, by what became of them.",
            "short",
            Query(f"sum by (command, outcome) ({grown(_COMMANDS)})", "{{command}} {{outcome}}"),
            span=8,
            empty="No commands",
            stacked=True,
        ),
    ),
)
